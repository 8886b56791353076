//! Sets of weights in one file, and which of them a network takes.
//!
//! Training scripts wrap what they save: `module.` (several GPUs), `_orig_mod.` (compiled),
//! `model.` (a class around the network), any stack of these; and they put weights beside others:
//! `model`, `model_ema`, `optimizer`. So a *set* is whatever shares a beginning of its names after
//! which the network's own names follow. The beginning is found from the network's names, not from
//! a list of beginnings.

use std::collections::{BTreeMap, BTreeSet};

use super::fit::Source;
use crate::weights::StoredTensors;

/// What wrappers of single layers put into names, wherever they are.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// What names of averaged weights are made of.
const AVERAGED: [&str; 3] = ["ema", "swa", "averaged"];

/// Which set of weights is taken from a file that has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What its names begin with, without the last dot; empty for names that are the network's own.
    pub taken: String,
    /// Those of the other sets that would fit as well.
    pub left: Vec<String>,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |set: &String| if set.is_empty() { "its root".to_owned() } else { set.clone() };
        let left: Vec<String> = self.left.iter().map(name).collect();
        write!(
            out,
            "{} sets of weights fit: {} is taken, not {} (averaged weights first, then the \
             shortest name)",
            1 + self.left.len(),
            name(&self.taken),
            left.join(", ")
        )
    }
}

/// The set that is taken, and the others that would fit as well.
pub(super) fn choose(namings: &[Vec<Source>], tensors: &StoredTensors<'_>) -> Choice {
    let mut sets = fitting(namings, &plain_names(tensors)).into_iter();
    Choice { taken: sets.next().unwrap_or_default(), left: sets.collect() }
}

/// The tensors of the set that is taken, under the network's own names.
pub(super) fn taken<'a>(namings: &[Vec<Source>], tensors: StoredTensors<'a>) -> StoredTensors<'a> {
    let names = plain_names(&tensors);
    let mut sets = fitting(namings, &names).into_iter();
    let Some(taken) = sets.next() else { return tensors };
    let inner: Vec<String> = sets.filter(|set| is_in(set, &taken)).collect();
    let is_own = |name: &str| is_in(name, &taken) && !inner.iter().any(|set| is_in(name, set));
    let start = if taken.is_empty() { 0 } else { taken.len() + 1 };
    let own = names.into_iter().filter(|(plain, _)| is_own(plain));
    tensors.renamed(own.map(|(plain, Known { name, .. })| (plain[start..].to_owned(), name)))
}

fn is_in(name: &str, set: &str) -> bool {
    set.is_empty() || name.strip_prefix(set).is_some_and(|rest| rest.starts_with('.'))
}

/// What is known of a tensor by its plain name.
struct Known {
    /// Its name in the file.
    name: String,
    shape: Vec<usize>,
}

/// Tensors by their names without the wrappers of single layers. Where two would be called the
/// same, both keep theirs.
fn plain_names(tensors: &StoredTensors<'_>) -> BTreeMap<String, Known> {
    let plain = |name: &str| {
        let parts = name.split('.').filter(|part| !WRAPPERS.contains(part));
        parts.collect::<Vec<_>>().join(".")
    };
    let mut counts = BTreeMap::new();
    for (name, _) in tensors.shapes() {
        *counts.entry(plain(name)).or_insert(0) += 1;
    }
    let known = |(name, shape): (&str, &[usize])| {
        let known = Known { name: name.to_owned(), shape: shape.to_vec() };
        let plain = plain(name);
        (if counts[&plain] == 1 { plain } else { name.to_owned() }, known)
    };
    tensors.shapes().map(known).collect()
}

/// Beginnings of names after which most of the network's kernels follow, best first.
fn fitting(namings: &[Vec<Source>], names: &BTreeMap<String, Known>) -> Vec<String> {
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for sources in namings {
        let parts = sources.iter().flat_map(|source| &source.parts);
        let kernels: BTreeMap<&str, &[usize]> =
            parts.map(|part| (part.weight.as_str(), &part.shape[..])).collect();
        let mut here: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for (name, known) in names {
            for (set, rest) in splits(name) {
                let Some(shape) = kernels.get(rest) else { continue };
                let [named, shaped] = here.entry(set).or_default();
                *named += 1;
                *shaped += usize::from(*shape == known.shape);
            }
        }
        for (set, count) in here {
            let best = counts.entry(set).or_default();
            *best = count.max(*best);
        }
    }
    let most = counts.values().max().copied().unwrap_or_default();
    let mut sets: Vec<&str> =
        counts.into_iter().filter(|(_, count)| *count == most).map(|(set, _)| set).collect();
    sets.sort_by_key(|set| (!is_averaged(set), set.split('.').count(), set.len()));
    sets.into_iter().map(str::to_owned).collect()
}

/// A name as a set's and what follows it, every way it can be split.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = name.match_indices('.').map(|(dot, _)| (&name[..dot], &name[dot + 1..]));
    std::iter::once(("", name)).chain(dots)
}

fn is_averaged(set: &str) -> bool {
    let words: BTreeSet<&str> = set.split(['.', '_']).collect();
    AVERAGED.iter().any(|averaged| words.contains(averaged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{NamedTensor, NamedTensors};

    fn namings() -> Vec<Vec<Source>> {
        let source = |name: &str, shape: &[usize]| Source::biased(name, shape);
        vec![
            vec![source("conv", &[2, 1]), source("fc", &[3, 2])],
            vec![source("stem", &[2, 1]), source("head", &[3, 2])],
        ]
    }

    fn tensors(names: &[&str]) -> NamedTensors {
        let shape = |name: &str| match name.contains("fc") || name.contains("head") {
            true => vec![3, 2],
            false => vec![2, 1],
        };
        let tensor = |name: &str| NamedTensor { shape: shape(name), values: Vec::new() };
        names.iter().map(|name| ((*name).to_owned(), tensor(name))).collect()
    }

    #[track_caller]
    fn assert_taken(names: &[&str], set: &str, left: &[&str], own: &[&str]) {
        let choice = choose(&namings(), &tensors(names).into());
        assert_eq!(
            (choice.taken.as_str(), choice.left),
            (set, left.iter().map(|set| (*set).to_owned()).collect())
        );
        let taken = taken(&namings(), tensors(names).into());
        assert_eq!(taken.shapes().map(|(name, _)| name).collect::<Vec<_>>(), own);
    }

    #[test]
    fn whatever_stands_before_the_networks_names_is_taken_off() {
        let own = ["conv.bias", "conv.weight", "fc.weight"];
        assert_taken(&own, "", &[], &own);
        for set in ["module", "_x", "module.model", "state_dict.a.b.c.d"] {
            let names = own.map(|name| format!("{set}.{name}"));
            assert_taken(&names.each_ref().map(String::as_str), set, &[], &own);
        }
    }

    #[test]
    fn wrappers_of_layers_are_taken_out_wherever_they_are() {
        let names =
            ["model._orig_mod.conv._checkpoint_wrapped_module.weight", "model._orig_mod.fc.weight"];
        assert_taken(&names, "model", &[], &["conv.weight", "fc.weight"]);
        // Unless two tensors would become one.
        let names = ["_orig_mod.conv.weight", "conv.weight", "fc.weight"];
        assert_taken(&names, "", &[], &names);
    }

    #[test]
    fn what_lies_beside_the_network_is_left_alone() {
        let names = ["loss.weight", "model.conv.weight", "model.fc.weight", "teacher.conv.weight"];
        assert_taken(&names, "model", &[], &["conv.weight", "fc.weight"]);
    }

    #[test]
    fn of_several_sets_the_averaged_one_is_taken_then_the_shortest_name() {
        let both = |one: &str, other: &str| -> Vec<String> {
            let sets = [one, other].into_iter();
            sets.flat_map(|set| ["stem", "head"].map(|name| format!("{set}.{name}.weight")))
                .collect()
        };
        for (one, other) in [
            ("model_ema.module", "model"),
            ("ema", "state_dict"),
            ("net", "netD"),
            ("a", "b"),
            ("b", "c.a"),
        ] {
            let names = both(one, other);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_taken(&names, one, &[other], &["head.weight", "stem.weight"]);
        }
        let names = ["a.conv.weight", "conv.weight"];
        assert_taken(&names, "", &["a"], &["conv.weight"]);
        assert_eq!(
            choose(&namings(), &tensors(&names).into()).to_string(),
            "2 sets of weights fit: its root is taken, not a (averaged weights first, then the \
             shortest name)"
        );
    }

    #[test]
    fn of_sets_under_the_same_names_the_one_of_the_right_shapes_is_taken() {
        let mut both =
            tensors(&["big.conv.weight", "big.fc.weight", "z.conv.weight", "z.fc.weight"]);
        both.get_mut("big.fc.weight").unwrap().shape = vec![9, 9];
        assert_eq!(
            choose(&namings(), &both.into()),
            Choice { taken: "z".to_owned(), left: Vec::new() }
        );
    }
}
