//! What happened, why, and what to do next, beside where it happened.

use leptos::prelude::*;

use crate::protocol::Failure;

/// A failure in three sentences; details unfold for a report.
#[component]
pub fn FailureNote(
    /// What failed.
    failure: Failure,
    /// The ways out.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let kind = format!("{:?}", failure.kind);
    let details = format!(
        "Pellucid {}\n{kind}: {}\n{}\n{}",
        env!("CARGO_PKG_VERSION"),
        failure.what,
        failure.why,
        window().navigator().user_agent().unwrap_or_default()
    );
    view! {
        <div class="failure" role="alert" data-testid="error" data-kind=kind>
            <p class="what">{failure.what}</p>
            <p class="why">{failure.why}</p>
            <p class="next">{failure.next}</p>
            <div class="ways">{children.map(|children| children())}</div>
            <details>
                <summary>"Details for a report"</summary>
                <pre>{details}</pre>
            </details>
        </div>
    }
}
