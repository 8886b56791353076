//! Who may depend on whom, and what `shared` must not touch.

mod circles;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::stamp;
use crate::workspace::Workspace;

/// Each package and the packages of ours it may depend on.
const MAY_DEPEND_ON: [(&str, &[&str]); 4] =
    [("shared", &[]), ("trainer", &["shared"]), ("app", &["shared"]), ("xtask", &[])];

/// Packages whose files may not import each other in a circle.
const WITHOUT_CIRCLES: [&str; 2] = ["trainer", "app"];

/// What `shared` leaves to its callers: files, threads, clocks, browsers.
const NOT_IN_SHARED: [(&str, &str); 8] = [
    ("std::fs", "callers hand it bytes"),
    ("std::path", "callers hand it bytes"),
    ("std::thread", "callers decide how many cores"),
    ("std::time", "callers have the clock"),
    ("std::env", "callers hand it settings"),
    ("std::net", "callers hand it bytes"),
    ("web_sys", "the page has the browser"),
    ("js_sys", "the page has the browser"),
];

/// Checks the dependency rule and the text of the sources.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut broken = broken_dependencies(&workspace.metadata)?;
    for (package, _) in MAY_DEPEND_ON {
        for folder in ["src", "tests", "benches"] {
            let folder = workspace.root.join(package).join(folder);
            broken.extend(broken_sources(package, &folder, &workspace.root)?);
        }
    }
    for package in WITHOUT_CIRCLES {
        let library = workspace.root.join(package).join("src");
        let circles = circles::circles(&library_sources(&library)?)?;
        broken.extend(circles.into_iter().map(|circle| format!("{package}/src: {circle}")));
    }
    if broken.is_empty() {
        println!("the dependency rule holds");
        return Ok(());
    }
    bail!("the workspace is not tidy:\n  {}", broken.join("\n  "))
}

fn broken_dependencies(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    let mut broken = Vec::new();
    for package in packages {
        let depender = name(package);
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == depender) else {
            broken.push(format!("{depender} is not in the dependency rule (xtask/src/tidy.rs)"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        for dependency in dependencies.iter().map(name) {
            if ours.contains(&dependency) && !allowed.contains(&dependency.as_str()) {
                broken.push(format!("{depender} depends on {dependency}; it may on {allowed:?}"));
            }
        }
    }
    Ok(broken)
}

/// The sources of a library, by their path in its folder. A program beside it is imported by nobody.
fn library_sources(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    for file in stamp::files_below(folder)? {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        if !name.ends_with(".rs") || name == "main.rs" || name.starts_with("bin/") {
            continue;
        }
        let text = String::from_utf8(stamp::read(&file)?)
            .with_context(|| format!("{} is not text", file.display()))?;
        sources.push((name, text));
    }
    Ok(sources)
}

fn broken_sources(package: &str, folder: &Path, root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for file in stamp::files_below(folder)? {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = String::from_utf8(stamp::read(&file)?)
            .with_context(|| format!("{} is not text", file.display()))?;
        let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        broken.extend(broken_lines(package, &shown, &text));
    }
    Ok(broken)
}

/// What is wrong with each line of a source.
fn broken_lines(package: &str, file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let is_library = package == "shared" && file.starts_with("shared/src");
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        // In two pieces, so that this file does not accuse itself.
        if line.contains(concat!("TO", "DO")) || line.contains(concat!("FIX", "ME")) {
            broken.push(format!("{place}: a note of work undone; do it or open an issue"));
        }
        let code = line.split("//").next().unwrap_or_default();
        if package == "app" && sets_style(code) {
            broken.push(format!(
                "{place}: a strict content security policy forbids `style=`; write `prop:style=`"
            ));
        }
        if !is_library {
            continue;
        }
        for (path, reason) in NOT_IN_SHARED {
            if code.contains(path) {
                broken.push(format!("{place}: `{path}` has no place in shared: {reason}"));
            }
        }
    }
    broken
}

/// Whether a line of a view sets an element's style as an attribute. A component's property may be
/// called so, and so may an attribute in code that is shown.
fn sets_style(code: &str) -> bool {
    let Some((before, after)) = code.split_once(" style=") else { return false };
    let tag = before.rsplit_once('<').map_or("", |(_, tag)| tag);
    let is_component = tag.starts_with(|letter: char| letter.is_ascii_uppercase());
    !is_component && !after.starts_with('\\')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(depender: &str, dependency: &str) -> Value {
        json!({ "packages": [
            { "name": depender, "dependencies": [{ "name": dependency }, { "name": "serde" }] },
            { "name": dependency, "dependencies": [] },
        ]})
    }

    #[test]
    fn nothing_depends_on_app_or_trainer() {
        for (depender, dependency) in [("shared", "app"), ("trainer", "app"), ("app", "trainer")] {
            let broken = broken_dependencies(&metadata(depender, dependency)).unwrap();
            assert_eq!(broken.len(), 1, "{depender} -> {dependency}");
            assert!(broken[0].starts_with(&format!("{depender} depends on {dependency}")));
        }
        assert!(broken_dependencies(&metadata("app", "shared")).unwrap().is_empty());
    }

    #[test]
    fn a_package_the_rule_does_not_know_is_reported() {
        let broken = broken_dependencies(&metadata("drawer", "shared")).unwrap();
        assert!(broken[0].starts_with("drawer is not in the dependency rule"), "{broken:?}");
    }

    #[test]
    fn shared_may_not_read_files_but_may_speak_of_them() {
        let found = broken_lines("shared", "shared/src/weights.rs", "use std::fs::File;\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("shared/src/weights.rs:1"), "{found:?}");
        assert!(broken_lines("shared", "shared/src/weights.rs", "// not std::fs").is_empty());
        assert!(broken_lines("shared", "shared/tests/golden.rs", "use std::fs;").is_empty());
        assert!(broken_lines("trainer", "trainer/src/images.rs", "use std::fs;").is_empty());
    }

    #[test]
    fn a_note_of_work_undone_is_reported_anywhere() {
        let line = format!("// {}: later", concat!("TO", "DO"));
        assert_eq!(broken_lines("app", "app/src/page.rs", &line).len(), 1);
    }

    #[test]
    fn a_style_is_set_as_a_property() {
        for line in ["    <i style=share></i>", "        style=move || share()"] {
            assert_eq!(broken_lines("app", "app/src/views/look.rs", line).len(), 1, "{line}");
        }
        for line in
            ["<i prop:style=share></i>", "<Lazy class=\"a\" style=rows>", "\" style=\\\"x\\\""]
        {
            assert!(broken_lines("app", "app/src/views/look.rs", line).is_empty(), "{line}");
        }
    }
}
