//! Import circles between the files of a package: files that need each other can be neither read
//! nor moved one by one.
//!
//! A path in the code is an import of the file it leads to, followed through every `use` on the
//! way. Handing a name on (`pub use`) imports nothing by itself, and what tests import does not
//! count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// `["exemplars", "job"]` for what `crate::exemplars::job` names; empty for the crate itself.
type Path = Vec<String>;

/// Aliases that lead to each other end somewhere.
const LONGEST_CHAIN: usize = 16;

/// The sources of one library, by their path below its `src`.
///
/// # Errors
/// A source that is no Rust.
pub fn circles(sources: &[(String, String)]) -> Result<Vec<String>> {
    let mut package = Package::default();
    for (file, text) in sources {
        let tokens: TokenStream =
            text.parse().map_err(|error| anyhow!("{file} is not Rust: {error}"))?;
        package.read(module_of(file), file, tokens);
    }
    Ok(package.circles())
}

/// The module that a file is.
fn module_of(file: &str) -> Path {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let parts = stem.split('/').map(str::to_owned).filter(|part| part != "lib" && part != "mod");
    parts.collect()
}

/// What a module, in a file of its own or inside another's, says of others.
#[derive(Default)]
struct Module {
    file: String,
    /// What each name that it took in stands for, as written.
    names: BTreeMap<String, Path>,
    /// Names that it only hands on.
    handed_on: BTreeSet<String>,
    /// Every other path, as written.
    paths: BTreeSet<Path>,
    /// Every word outside of `use`.
    words: BTreeSet<String>,
}

#[derive(Default)]
struct Package {
    modules: BTreeMap<Path, Module>,
    tests: BTreeSet<Path>,
}

impl Package {
    fn read(&mut self, module: Path, file: &str, tokens: TokenStream) {
        self.modules.entry(module.clone()).or_default().file = file.to_owned();
        let mut tokens = tokens.into_iter().peekable();
        let (mut is_test, mut is_public) = (false, false);
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                        is_test |= is_for_tests(attribute.stream());
                        tokens.next();
                    }
                    continue;
                }
                TokenTree::Ident(word) if is_test => {
                    if word == "mod"
                        && let Some(TokenTree::Ident(name)) = tokens.peek()
                    {
                        self.tests.insert(below(&module, &name.to_string()));
                    }
                    skip_item(&mut tokens);
                }
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = true;
                    tokens.next_if(|next| is_group(next, Delimiter::Parenthesis));
                    continue;
                }
                TokenTree::Ident(word) if word == "use" => {
                    let here = self.modules.entry(module.clone()).or_default();
                    here.take_in(Vec::new(), &mut tokens, is_public);
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let name = tokens.next().map(|name| name.to_string()).unwrap_or_default();
                    if let Some(TokenTree::Group(body)) =
                        tokens.next_if(|next| is_group(next, Delimiter::Brace))
                    {
                        self.read(below(&module, &name), file, body.stream());
                    }
                }
                TokenTree::Ident(word) => {
                    let here = self.modules.entry(module.clone()).or_default();
                    here.words.insert(word.to_string());
                    let path = path_from(word.to_string(), &mut tokens);
                    if 1 < path.len() {
                        here.paths.insert(path);
                    }
                }
                TokenTree::Group(group) => self.read(module.clone(), file, group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            (is_test, is_public) = (false, false);
        }
    }

    /// One sentence for each circle.
    fn circles(&self) -> Vec<String> {
        let imports = self.imports();
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for file in imports.keys() {
            if told.contains(file) {
                continue;
            }
            let Some(way) = shortest_way_back(file, &imports) else { continue };
            let members = members(file, &imports);
            let more = match members.len() - way.len() {
                0 => String::new(),
                more => format!(", and {more} more in the same circle"),
            };
            let way = way.iter().copied().chain([*file]).collect::<Vec<_>>().join(" -> ");
            circles.push(format!("files import each other: {way}{more}"));
            told.extend(members);
        }
        circles
    }

    /// The other files that each file imports.
    fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (module, here) in &self.modules {
            if self.tests.iter().any(|tests| module.starts_with(tests)) {
                continue;
            }
            let is_imported =
                |name: &String| !here.handed_on.contains(name) || here.words.contains(name);
            let taken_in = here.names.iter().filter(|(name, _)| is_imported(name));
            let paths = taken_in.map(|(_, path)| path).chain(&here.paths);
            let files = paths.filter_map(|path| self.file_of(&self.absolute(module, path, 0)?, 0));
            let others = files.filter(|file| *file != here.file);
            imports.entry(&here.file).or_default().extend(others);
        }
        imports
    }

    /// A path from the crate on; nothing for one that leads out of it.
    fn absolute(&self, module: &Path, path: &Path, followed: usize) -> Option<Path> {
        let (first, mut rest) = path.split_first()?;
        let mut from = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            child if self.modules.contains_key(&below(module, child)) => below(module, child),
            // What was taken in under this name. `use image;` stands for a crate.
            name if followed < LONGEST_CHAIN => {
                let target = self.modules.get(module)?.names.get(name)?;
                self.absolute(module, target, followed + 1)?
            }
            _ => return None,
        };
        while let Some(("super", further)) = rest.split_first().map(|(word, rest)| (&**word, rest))
        {
            from.pop()?;
            rest = further;
        }
        from.extend_from_slice(rest);
        Some(from)
    }

    /// The file that says what a path from the crate on is.
    fn file_of(&self, path: &Path, followed: usize) -> Option<&str> {
        let mut at = Path::new();
        for (place, part) in path.iter().enumerate() {
            let deeper = below(&at, part);
            if self.modules.contains_key(&deeper) {
                at = deeper;
                continue;
            }
            let target = self.modules.get(&at).and_then(|module| module.names.get(part));
            if let Some(mut target) = target.and_then(|target| self.absolute(&at, target, followed))
                && followed < LONGEST_CHAIN
            {
                target.extend_from_slice(&path[place + 1..]);
                return self.file_of(&target, followed + 1);
            }
            break;
        }
        self.modules.get(&at).map(|module| module.file.as_str())
    }
}

impl Module {
    /// Takes in what stands behind `use`, up to its end; `before` is the path in front of it.
    fn take_in(
        &mut self,
        before: Path,
        tokens: &mut Peekable<impl Iterator<Item = TokenTree>>,
        is_public: bool,
    ) {
        let mut path = before.clone();
        let mut name: Option<String> = None;
        loop {
            let token = tokens.next();
            match &token {
                Some(TokenTree::Ident(word)) if word == "as" => {
                    name = tokens.next().map(|alias| alias.to_string());
                }
                // `self` in braces is what stands in front of them.
                Some(TokenTree::Ident(word)) if word == "self" && !path.is_empty() => {}
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Group(group)) => {
                    let mut tokens = group.stream().into_iter().peekable();
                    while tokens.peek().is_some() {
                        self.take_in(path.clone(), &mut tokens, is_public);
                    }
                    path.clear();
                }
                // Everything there: no name, but an import.
                Some(TokenTree::Punct(mark)) if mark.as_char() == '*' => {
                    self.paths.insert(std::mem::take(&mut path));
                }
                Some(TokenTree::Punct(mark)) if mark.as_char() == ':' => {}
                Some(TokenTree::Punct(_) | TokenTree::Literal(_)) | None => break,
            }
        }
        if let Some(name) = name.or_else(|| path.last().cloned())
            && !path.is_empty()
        {
            if is_public {
                self.handed_on.insert(name.clone());
            }
            self.names.insert(name, path);
        }
    }
}

fn below(module: &Path, name: &str) -> Path {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// Whether an attribute keeps what follows for tests.
fn is_for_tests(attribute: TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text.starts_with("cfg(test)") || text.starts_with("cfg(all(test")
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

/// Passes by the rest of an item: up to its semicolon, or to its body.
fn skip_item(tokens: &mut Peekable<impl Iterator<Item = TokenTree>>) {
    let mut is_behind_colon = false;
    for token in tokens {
        match &token {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            // In `use a::{b, c};` braces are no body.
            TokenTree::Group(_) if is_group(&token, Delimiter::Brace) && !is_behind_colon => return,
            _ => {}
        }
        is_behind_colon = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == ':');
    }
}

/// A path from its first word on.
fn path_from(first: String, tokens: &mut Peekable<impl Iterator<Item = TokenTree>>) -> Path {
    let is_colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':');
    let mut path = vec![first];
    while tokens.next_if(is_colon).is_some() && tokens.next_if(is_colon).is_some() {
        match tokens.next_if(|token| matches!(token, TokenTree::Ident(_))) {
            Some(word) => path.push(word.to_string()),
            None => break,
        }
    }
    path
}

type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The files from `file` on until it comes again; nothing if it does not.
fn shortest_way_back<'a>(file: &'a str, imports: &Imports<'a>) -> Option<Vec<&'a str>> {
    let mut waiting = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = waiting.pop_front() {
        for &next in way.last().and_then(|last| imports.get(last)).into_iter().flatten() {
            if next == file {
                return Some(way);
            }
            if seen.insert(next) {
                waiting.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

/// Every file that leads to `file` and is led to by it.
fn members<'a>(file: &'a str, imports: &Imports<'a>) -> BTreeSet<&'a str> {
    let reached = |from: &'a str| {
        let (mut waiting, mut reached) = (vec![from], BTreeSet::new());
        while let Some(at) = waiting.pop() {
            let next = imports.get(at).into_iter().flatten();
            waiting.extend(next.filter(|&&next| reached.insert(next)));
        }
        reached
    };
    reached(file).into_iter().filter(|other| reached(other).contains(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> =
            sources.iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
        circles(&sources).unwrap()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let circle = found(&[
            ("lib.rs", "mod cat; mod dog;"),
            ("cat.rs", "use crate::dog::Dog; pub struct Cat(Dog);"),
            ("dog.rs", "use crate::cat::Cat; pub struct Dog(Cat);"),
        ]);
        assert_eq!(circle, ["files import each other: cat.rs -> dog.rs -> cat.rs"]);
    }

    #[test]
    fn a_longer_circle_is_told_once_by_its_shortest_way() {
        let circle = found(&[
            ("a.rs", "use crate::b;"),
            ("b.rs", "use crate::{c, d};"),
            ("c.rs", "use crate::a; use crate::d;"),
            ("d.rs", "use crate::c;"),
        ]);
        let expected =
            "files import each other: a.rs -> b.rs -> c.rs -> a.rs, and 1 more in the same circle";
        assert_eq!(circle, [expected]);
    }

    #[test]
    fn a_path_in_the_code_is_an_import_too() {
        for code in [
            "fn f() { crate::b::g() }",
            "fn f() { super::b::g() }",
            "fn f() { macro_of_ours!(x, crate::b::g()) }",
            "mod inner { pub fn f() { super::super::b::g() } }",
            "use crate::c; fn f() { c::b::g() }",
        ] {
            let sources =
                [("a.rs", code), ("b.rs", "use super::a::f;"), ("c.rs", "pub use crate::b;")];
            assert_eq!(found(&sources).len(), 1, "{code}");
        }
    }

    #[test]
    fn a_folder_and_a_file_in_it_may_be_a_circle() {
        let child = ("a/child.rs", "use super::Limit;");
        for parent in ["use child::Child;", "use self::child::Child;", "fn f() { child::make() }"] {
            let parent = format!("mod child; pub struct Limit; {parent}");
            assert_eq!(found(&[("a.rs", &parent), child]).len(), 1, "{parent}");
        }
    }

    #[test]
    fn a_name_handed_on_is_imported_from_where_it_is_said() {
        let shown = "mod limit; mod child; pub use limit::Limit; pub use child::Child;";
        let others = [("a/limit.rs", "pub struct Limit;"), ("a/child.rs", "use super::Limit;")];
        assert!(found(&[("a.rs", shown), others[0], others[1]]).is_empty());
        let used = format!("{shown} fn f() -> Child {{ }}");
        assert!(found(&[("a.rs", &used), others[0], others[1]]).is_empty());
        let said = used.replace("pub use limit::Limit;", "pub struct Limit;");
        assert_eq!(found(&[("a.rs", &said), others[1]]).len(), 1);
    }

    #[test]
    fn what_tests_import_and_prose_says_does_not_count() {
        for code in [
            "#[cfg(test)] mod tests { use crate::b; }",
            "#[cfg(test)] use crate::b::{c, d}; fn f() {}",
            "#[cfg(test)] mod tests;",
            "/// As [`crate::b`]. \n fn f() { \"crate::b::g\"; } // crate::b::g",
        ] {
            let tests = ("a/tests.rs", "use crate::b;");
            assert!(
                found(&[("a.rs", code), ("b.rs", "use crate::a;"), tests]).is_empty(),
                "{code}"
            );
        }
    }

    #[test]
    fn other_crates_and_modules_that_only_declare_are_no_circle() {
        assert!(
            found(&[
                ("lib.rs", "pub mod a; pub mod b;"),
                ("a.rs", "use std::fs; use image::b;"),
                ("b.rs", "use crate::a; use self::inner::X; mod inner { pub struct X; }"),
            ])
            .is_empty()
        );
    }
}
