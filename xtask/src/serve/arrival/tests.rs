//! Weights from servers on this machine that answer, stall and lie.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::*;
use crate::bundle::Bundles;
use crate::rehearsal::{Fault, Host};
use crate::server::{self, Answer};

/// For what must fail soon.
const HASTE: Duration = Duration::from_millis(300);

#[test]
fn an_address_answers_even_if_it_only_refuses() {
    let host = Host::start_with(|_| Answer::text(404, "gone\n")).unwrap();
    answers(&host.url("weights"), PATIENCE).unwrap();
    // Of one that needs another program, that it can be reached.
    let secured = host.url("weights").replace("http://", "https://");
    answers(&secured, PATIENCE).unwrap();
}

#[test]
fn an_address_where_nobody_listens_or_nobody_speaks_is_given_up() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let deaf = format!("http://127.0.0.1:{port}/weights");
    let error = answers(&deaf, HASTE).unwrap_err().to_string();
    assert!(error.contains(&deaf) && error.contains("does not answer"), "{error}");
    let secured = deaf.replace("http://", "https://");
    let error = one_answers(&[&deaf, &secured], HASTE).unwrap_err().to_string();
    assert!(error.contains(&deaf) && error.contains(&secured), "{error}");

    let host = Host::start_with(|_| Answer::text(200, "late\n")).unwrap();
    host.spoil("weights", Fault::Stalled);
    assert!(answers(&host.url("weights"), HASTE).is_err());
}

/// A checkout whose page is served without weights, somewhere of its own.
#[cfg(unix)]
struct Served {
    folder: PathBuf,
    workspace: Workspace,
    site: Site,
    source: Source,
}

#[cfg(unix)]
impl Served {
    /// `None` where `pellucid` is not built: the whole suite builds it, this package alone does not.
    fn new(name: &str) -> Option<Self> {
        let tests = std::env::current_exe().unwrap();
        let pellucid = tests.parent()?.parent()?.join("pellucid");
        if !pellucid.is_file() {
            println!("skipped: pellucid is not built");
            return None;
        }
        let folder =
            std::env::temp_dir().join(format!("xtask-arrival-{}-{name}", std::process::id()));
        let (root, target) = (folder.join("checkout"), folder.join("target"));
        fs::create_dir_all(target.join("release")).unwrap();
        fs::create_dir_all(target.join("xtask")).unwrap();
        std::os::unix::fs::symlink(pellucid, target.join("release/pellucid")).unwrap();
        let workspace = Workspace { root, target, metadata: Value::Null };
        let shipped = workspace.root.join("public/bundles");
        pellucid_export(&workspace, &["--model", "googlenet", "--without-weights"], &shipped);

        let page = folder.join("page");
        fs::create_dir_all(&page).unwrap();
        fs::write(page.join("worker_loader.js"), "").unwrap();
        let mut bundles = Bundles::shipped(&workspace);
        bundles.weights_coming = true;
        let site = Site { folder: workspace.site(), page, bundles, compressed: false };
        site.make(&workspace).unwrap();
        let source = Source { address: None, cache: Some(folder.join("cache")) };
        Some(Self { folder, workspace, site, source })
    }

    fn json(&self, file: &str) -> Value {
        let file = self.site.folder.join("bundles").join(file);
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn are_coming(&self) -> bool {
        self.json("index.json")["bundles"][0]["weights_coming"] == true
    }

    /// Fetches from a host as `serve` does, and gives what the person is told.
    fn fetch(&mut self, address: String) -> String {
        self.source.address = Some(address);
        let outcome = fetch(&self.workspace, &mut self.site, &self.source);
        end(&self.workspace, &mut self.site, outcome)
    }
}

#[cfg(unix)]
impl Drop for Served {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(unix)]
fn pellucid_export(workspace: &Workspace, arguments: &[&str], bundles: &std::path::Path) {
    let run = |arguments: &[&str], what: &str, folder: PathBuf| {
        let mut command = Command::new(workspace.pellucid());
        let output = command.arg("export").args(arguments).arg(what).arg(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(arguments, "--out", bundles.join("googlenet"));
    run(&[], "--list", bundles.to_owned());
}

#[cfg(unix)]
#[test]
fn a_server_that_lies_costs_a_sentence_and_the_page_goes_on_without_weights() {
    let Some(mut served) = Served::new("lies") else { return };
    let host = Host::start_with(|query| match query.path() {
        "/page" => {
            let mut answer = Answer::text(200, "<!doctype html><title>log in</title>");
            answer.headers = vec![("Content-Type", "text/html".to_owned())];
            answer
        }
        "/noise" => Answer::text(200, &"no network at all ".repeat(10_000)),
        _ => Answer::text(404, "gone\n"),
    })
    .unwrap();
    for lie in ["page", "noise", "nothing"] {
        served.site.bundles.weights_coming = true;
        let bundles = served.site.bundles.clone();
        served.site.change_bundles(&served.workspace, bundles).unwrap();
        assert!(served.are_coming());

        let told = served.fetch(host.url(lie));
        assert!(told.contains("did not come") && told.contains(lie), "{told}");
        assert!(!told.contains('\n'), "one sentence: {told}");
        assert!(!served.are_coming());
        assert_eq!(served.json("googlenet/bundle.json").get("weights"), None);
        let kept = served.folder.join("cache/weights/googlenet.safetensors");
        assert!(!kept.exists(), "a lie was kept");
    }
}

#[cfg(unix)]
#[test]
fn the_weights_of_the_reference_that_come_are_put_into_the_site_that_is_served() {
    // From the package's folder, where cargo runs tests.
    let weights = std::path::Path::new("../../shared/weights");
    if !weights.join("bvlc_googlenet.safetensors").is_file() {
        println!("skipped: reference data is not here");
        return;
    }
    let Some(mut served) = Served::new("come") else { return };
    let host = Host::start(weights).unwrap();
    let address = host.url("bvlc_googlenet.safetensors");
    answers(&address, PATIENCE).unwrap();
    assert!(served.are_coming());
    let told = served.fetch(address);
    assert!(told.contains("are here"), "{told}");
    assert!(!served.are_coming());
    let bundle = served.json("googlenet/bundle.json");
    let path = bundle["weights"]["path"].as_str().unwrap();
    let length =
        fs::metadata(served.site.folder.join("bundles/googlenet").join(path)).unwrap().len();
    assert_eq!(bundle["weights"]["size"], length);
    // What is served says so too.
    let query = server::Query {
        method: "GET".to_owned(),
        address: "/bundles/index.json".to_owned(),
        ..server::Query::default()
    };
    let answer = server::answer(&served.site.folder, &query);
    assert!(!String::from_utf8(answer.body).unwrap().contains("weights_coming"));
}
