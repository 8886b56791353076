//! Which of several dictionaries to take, and why.

use super::worth::Evaluation;
use crate::figure::chart::{Axis, Chart, Marks};

/// A dictionary with more dead latents than this is not proposed while there are others.
const DEAD: f64 = 0.05;

/// A dictionary that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which of those that were judged.
    pub index: usize,
    /// Why.
    pub reason: String,
}

/// Proposes one: of those that no other beats both in error and in L0, without the ones with many
/// dead latents, the most stable; where no stability is known, the one with the least error.
/// Nothing of none.
pub fn choose(found: &[Evaluation]) -> Option<Choice> {
    let is_beaten = |one: &Evaluation| {
        found.iter().any(|other| other.normalized_mse < one.normalized_mse && other.l0 < one.l0)
    };
    let front = || found.iter().enumerate().filter(|(_, one)| !is_beaten(one));
    let is_alive = |one: &Evaluation| one.dead_share <= DEAD;
    let some_live = front().any(|(_, one)| is_alive(one));
    let left: Vec<_> = front().filter(|(_, one)| !some_live || is_alive(one)).collect();
    let is_known = left.iter().all(|(_, one)| one.stability.is_some());
    let worth = |one: &Evaluation| match is_known {
        // Two seeds are equally stable: then the smaller error counts.
        true => (one.stability.unwrap_or(0.0), -one.normalized_mse),
        false => (-one.normalized_mse, 0.0),
    };
    let better = |one: (f64, f64), other: (f64, f64)| {
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
    };
    let (index, _) = left.iter().max_by(|(_, one), (_, other)| better(worth(one), worth(other)))?;
    let dead = match some_live {
        true => format!("at most {:.0} % dead latents", 100.0 * DEAD),
        false => format!("none has at most {:.0} % dead latents", 100.0 * DEAD),
    };
    let most = if is_known { "the most stable" } else { "the least error" };
    let reason = format!(
        "{} of {} are beaten by no other in both error and L0; {dead}; of these {most}",
        front().count(),
        found.len()
    );
    Some(Choice { index: *index, reason })
}

/// Error against L0, a point each.
pub fn figure(names: &[String], found: &[Evaluation]) -> Chart {
    let error = |one: &Evaluation| one.normalized_mse.log10();
    let points = found.iter().zip(names).map(|(one, name)| ([one.l0, error(one)], name.clone()));
    Chart {
        title: "Error and sparsity".to_owned(),
        subtitle: "Each dictionary over the whole store; lower and further left is better."
            .to_owned(),
        across: Axis::over("L0: latents of an activation", found.iter().map(|one| one.l0)),
        up: Axis::over("log10 of normalized MSE", found.iter().map(error)),
        marks: Marks::Points(points.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(normalized_mse: f64, l0: f64, dead_share: f64, stability: f64) -> Evaluation {
        let stability = (0.0 < stability).then_some(stability);
        Evaluation { normalized_mse, l0, dead_share, stability, ..Evaluation::default() }
    }

    fn chosen(found: &[Evaluation]) -> Option<usize> {
        choose(found).map(|choice| choice.index)
    }

    #[test]
    fn what_is_beaten_or_half_dead_is_not_proposed() {
        let beaten = evaluation(0.3, 40.0, 0.0, 0.9);
        let half_dead = evaluation(0.1, 32.0, 0.5, 0.8);
        let good = evaluation(0.2, 30.0, 0.01, 0.5);
        assert_eq!(chosen(&[beaten.clone(), half_dead.clone(), good]), Some(2));
        // Rather a half dead one than none.
        assert_eq!(chosen(&[beaten, half_dead]), Some(1));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn the_most_stable_is_proposed_and_of_two_seeds_the_one_with_less_error() {
        let found = [
            evaluation(0.1, 64.0, 0.0, 0.5),
            evaluation(0.21, 32.0, 0.0, 0.7),
            evaluation(0.2, 32.0, 0.0, 0.7),
        ];
        assert_eq!(chosen(&found), Some(2));
        assert!(choose(&found).unwrap().reason.ends_with("the most stable"));
        let found = [evaluation(0.2, 32.0, 0.0, 0.0), evaluation(0.1, 64.0, 0.0, 0.0)];
        assert_eq!(chosen(&found), Some(1));
    }
}
