//! axe-core, which judges whether everybody can use a page. It is installed for the tests, never
//! shipped.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::browser::Session;
use crate::npm;
use crate::workspace::Workspace;

/// The version that was tried.
const PACKAGE: &str = "axe-core@4.14.1";

/// Success criteria of WCAG 2, levels A and AA.
const CRITERIA: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// What is asked of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The success criteria alone: of what is a part of somebody else's page.
    Criteria,
    /// The criteria, and what has proven itself besides.
    Everything,
}

/// The judge.
pub struct Axe(String);

impl Axe {
    /// Installs it if need be; without npm, or without its registry, the error says so.
    pub fn install(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.workshop().join("axe");
        npm::install(&folder, &[PACKAGE])?;
        let file = folder.join("node_modules/axe-core/axe.min.js");
        let script =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Self(script))
    }

    /// What is wrong with the page as it is now, a line for each element.
    pub fn judge(&self, page: &Session, asked: Asked) -> Result<Vec<String>> {
        page.script(&self.0).context("putting axe-core into the page")?;
        let mut tags = CRITERIA.to_vec();
        if asked == Asked::Everything {
            tags.push("best-practice");
        }
        let found = page.script_with(
            "return axe.run(document, {
                 runOnly: { type: 'tag', values: arguments[0] },
                 rules: { 'label-content-name-mismatch': { enabled: true } },
             }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(
                 ({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\\n  ${failureSummary}`)));",
            &json!([tags]),
        )?;
        let found = found.as_array().context("axe-core gave no list")?;
        Ok(found.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
