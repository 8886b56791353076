//! One browser window, over the WebDriver protocol (W3C WebDriver level 2).

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

/// The key under which WebDriver passes a reference to an element.
const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a condition is looked at while waiting.
const POLL: Duration = Duration::from_millis(100);

/// How long a page may load.
pub(super) const LOADING: Duration = Duration::from_secs(120);

/// How long a script may take; on a software GPU it may be minutes.
pub(super) const SCRIPT: Duration = Duration::from_secs(300);

/// When the driver is given up. It keeps to the limits above itself, unless it locks up.
const ANSWER: Duration = Duration::from_secs(400);

/// The same for closing, which has nothing to wait for.
const CLOSING: Duration = Duration::from_secs(30);

/// A window that can be looked at and acted on.
pub struct Session {
    /// `http://127.0.0.1:PORT/session/ID`.
    url: String,
    agent: ureq::Agent,
    /// The browser's own, if the driver told it.
    process: Option<u64>,
}

/// An element of the page, as long as the page holds it.
#[derive(Clone, Debug)]
pub struct Element(String);

impl Session {
    /// Opens a window with the capabilities given.
    pub fn open(driver: &str, capabilities: &Value) -> Result<Self> {
        let agent = agent(ANSWER);
        let value = call(&agent, "POST", &format!("{driver}/session"), Some(capabilities))?;
        let id = value["sessionId"].as_str().context("the driver gave no session")?;
        let process = value["capabilities"]["goog:processID"].as_u64();
        Ok(Self { url: format!("{driver}/session/{id}"), agent, process })
    }

    /// Closes the window and the browser.
    pub fn close(&self) -> Result<()> {
        call(&agent(CLOSING), "DELETE", &self.url, None).map(drop)
    }

    /// The browser's process, for when it cannot be closed.
    #[must_use]
    pub fn process(&self) -> Option<u64> {
        self.process
    }

    /// Opens an address and waits until the document is loaded.
    pub fn go(&self, address: &str) -> Result<()> {
        self.post("url", &json!({ "url": address }))
            .map(drop)
            .with_context(|| format!("opening {address}"))
    }

    /// The address in the bar.
    pub fn address(&self) -> Result<String> {
        let value = call(&self.agent, "GET", &format!("{}/url", self.url), None)?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Loads the page anew.
    pub fn reload(&self) -> Result<()> {
        self.post("refresh", &json!({})).map(drop)
    }

    /// The Back button.
    pub fn back(&self) -> Result<()> {
        self.post("back", &json!({})).map(drop)
    }

    /// Runs JavaScript as a function body and returns what it returns; promises are awaited.
    pub fn script(&self, body: &str) -> Result<Value> {
        self.script_with(body, &json!([]))
    }

    /// As [`Self::script`], with `arguments`.
    pub fn script_with(&self, body: &str, arguments: &Value) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// The element a CSS selector finds first.
    pub fn find(&self, selector: &str) -> Result<Element> {
        let value = self
            .post("element", &json!({ "using": "css selector", "value": selector }))
            .with_context(|| format!("looking for {selector}"))?;
        let id = value[ELEMENT_KEY].as_str().context("the driver gave no element")?;
        Ok(Element(id.to_owned()))
    }

    /// Clicks what a CSS selector finds first, as a person would: it must be visible and on top.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.act(selector, "click", &json!({})).with_context(|| format!("clicking {selector}"))
    }

    /// Types into what a CSS selector finds; for a file input, the text is the file's path.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.act(selector, "value", &json!({ "text": text }))
            .with_context(|| format!("typing into {selector}"))
    }

    /// Does something to what a selector finds first. Where the page puts another in its place
    /// between the two, that one is meant, as it is for a person.
    fn act(&self, selector: &str, action: &str, body: &Value) -> Result<()> {
        let mut retries = 0..5;
        loop {
            let Element(id) = self.find(selector)?;
            match self.post(&format!("element/{id}/{action}"), body) {
                Err(error)
                    if error.to_string().starts_with("stale element reference")
                        && retries.next().is_some() => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Presses and releases keys, with nothing particular focused. WebDriver's private-use
    /// characters stand for named keys: `\u{E009}` is Control until the end of the text.
    pub fn press(&self, keys: &str) -> Result<()> {
        let active = call(&self.agent, "GET", &format!("{}/element/active", self.url), None)?;
        let id = active[ELEMENT_KEY].as_str().context("nothing has the focus")?;
        self.post(&format!("element/{id}/value"), &json!({ "text": keys })).map(drop)
    }

    /// Presses and releases a key wherever the focus is, also inside a frame. `code` is its number
    /// on a keyboard of Windows, as pages may read it; `text` what it types, if it types anything.
    pub fn strike(&self, key: &str, code: u32, text: &str) -> Result<()> {
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        for kind in [down, "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": key,
                "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code,
            });
            if kind == "keyDown" {
                event["text"] = text.into();
            }
            self.devtools("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// Presses and releases the mouse at a place of the window, whatever is there.
    pub fn click_at(&self, across: f64, down: f64) -> Result<()> {
        for kind in ["mousePressed", "mouseReleased"] {
            self.devtools(
                "Input.dispatchMouseEvent",
                &json!({ "type": kind, "x": across, "y": down, "button": "left", "clickCount": 1 }),
            )?;
        }
        Ok(())
    }

    /// Goes into the frame that a selector finds: everything after is asked of what it shows.
    pub fn enter_frame(&self, selector: &str) -> Result<()> {
        let Element(id) = self.find(selector)?;
        let frame = json!({ "id": { (ELEMENT_KEY): id } });
        self.post("frame", &frame).map(drop).with_context(|| format!("entering {selector}"))
    }

    /// Goes back to the page that has the frames.
    pub fn leave_frames(&self) -> Result<()> {
        self.post("frame", &json!({ "id": null })).map(drop)
    }

    /// The visible text of what a selector finds; nothing if there is no such element.
    pub fn text(&self, selector: &str) -> Result<Option<String>> {
        let value = self.script_with(
            "const e = document.querySelector(arguments[0]); return e && e.innerText;",
            &json!([selector]),
        )?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// An attribute of what a selector finds; nothing if either is absent.
    pub fn attribute(&self, selector: &str, name: &str) -> Result<Option<String>> {
        let value = self.script_with(
            "const e = document.querySelector(arguments[0]); return e && e.getAttribute(arguments[1]);",
            &json!([selector, name]),
        )?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Whether a selector finds anything.
    pub fn has(&self, selector: &str) -> Result<bool> {
        let value =
            self.script_with("return !!document.querySelector(arguments[0]);", &json!([selector]))?;
        Ok(value == true)
    }

    /// Waits until a JavaScript expression is truthy and returns its value. After `patience` the
    /// error says what the page showed instead.
    pub fn wait_for(&self, expression: &str, patience: Duration) -> Result<Value> {
        let start = Instant::now();
        loop {
            let value = self.script(&format!("return ({expression});"))?;
            let is_truthy =
                !(value.is_null() || value == false || value == 0 || value.as_str() == Some(""));
            if is_truthy {
                return Ok(value);
            }
            if start.elapsed() > patience {
                bail!(
                    "waited {} s in vain for `{expression}`\n{}",
                    patience.as_secs(),
                    self.describe()
                );
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until a CSS selector finds something.
    pub fn wait_for_element(&self, selector: &str, patience: Duration) -> Result<()> {
        let quoted = json!(selector);
        self.wait_for(&format!("!!document.querySelector({quoted})"), patience).map(drop)
    }

    /// What the page shows and has said, for the message of a failed test.
    #[must_use]
    pub fn describe(&self) -> String {
        let address = self.address().unwrap_or_default();
        let text = self
            .script("return document.body ? document.body.innerText.slice(0, 1500) : '';")
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default();
        let console = self.console().unwrap_or_default().join("\n");
        format!("address: {address}\ntext: {text}\nconsole: {console}")
    }

    /// What the page has written to the console since this was last asked.
    pub fn console(&self) -> Result<Vec<String>> {
        let value = self.post("se/log", &json!({ "type": "browser" }))?;
        let entries = value.as_array().cloned().unwrap_or_default();
        Ok(entries
            .iter()
            .map(|entry| {
                let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
                format!("{}: {}", word("level"), word("message"))
            })
            .collect())
    }

    /// A command of Chromium's own protocol, for what WebDriver has no word for.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
            .with_context(|| format!("asking Chromium for {command}"))
    }

    /// Gives the page exactly this many CSS pixels, and a colour scheme (`dark` or `light`).
    pub fn appear(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )?;
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        )?;
        Ok(())
    }

    /// Runs JavaScript in every document before the page's own.
    pub fn before_each_page(&self, source: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": source }))
            .map(drop)
    }

    /// What is on the screen, as a PNG in base64.
    pub fn screenshot(&self) -> Result<String> {
        let value = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let data = value["data"].as_str().context("Chromium gave no picture")?;
        Ok(data.to_owned())
    }

    fn post(&self, command: &str, body: &Value) -> Result<Value> {
        call(&self.agent, "POST", &format!("{}/{command}", self.url), Some(body))
    }
}

fn agent(patience: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(patience)).build().new_agent()
}

fn call(agent: &ureq::Agent, method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
    let response = match (method, body) {
        ("POST", Some(body)) => {
            agent.post(url).header("Content-Type", "application/json").send(body.to_string())
        }
        ("DELETE", _) => agent.delete(url).call(),
        _ => agent.get(url).call(),
    };
    let mut response =
        response.with_context(|| format!("talking to the browser's driver at {url}"))?;
    // Screenshots of a wall are several megabytes, more than the client allows by default.
    let text = response
        .body_mut()
        .with_config()
        .limit(256 << 20)
        .read_to_string()
        .with_context(|| format!("reading the driver's answer to {url}"))?;
    let answer: Value = serde_json::from_str(&text)
        .with_context(|| format!("the driver's answer to {url} is not JSON"))?;
    let value = answer["value"].clone();
    if response.status().is_success() {
        return Ok(value);
    }
    let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    Err(anyhow!("{}: {}", word("error"), word("message")))
}
