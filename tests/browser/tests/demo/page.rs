//! What a person does with the page. Everything is found by its `data-testid`.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::{Browser, pause};

const PATIENCE: Duration = Duration::from_secs(30);
const ARTIFACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../artifacts");

/// The demo's page in a browser.
pub(crate) struct Page<'a> {
    browser: &'a Browser,
    /// Begins the names of the pictures.
    name: &'static str,
}

impl<'a> Page<'a> {
    pub(crate) async fn open(browser: &'a Browser, name: &'static str, url: &str) -> anyhow::Result<Self> {
        let page = Self::at(browser, name, url).await?;
        page.sees("chat-bot", "Ada").await?;
        Ok(page)
    }

    /// Any page.
    pub(crate) async fn at(browser: &'a Browser, name: &'static str, url: &str) -> anyhow::Result<Self> {
        browser.client.goto(url).await?;
        Ok(Self { browser, name })
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.browser.client.execute(script, arguments).await?)
    }

    /// Waits until a visible element of this kind has the text.
    pub(crate) async fn sees(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let script = "return [...document.querySelectorAll(`[data-testid='${arguments[0]}']`)]
            .some((it) => it.checkVisibility() && it.textContent.includes(arguments[1]))";
        let what = format!("{id}: {text}");
        self.until(&what, script, vec![json!(id), json!(text)]).await
    }

    /// Waits until no element of this kind is visible.
    pub(crate) async fn misses(&self, id: &str) -> anyhow::Result<()> {
        let script = "return ![...document.querySelectorAll(`[data-testid='${arguments[0]}']`)]
            .some((it) => it.checkVisibility())";
        self.until(&format!("no {id}"), script, vec![json!(id)]).await
    }

    pub(crate) async fn until(&self, what: &str, script: &str, arguments: Vec<Value>) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if self.run(script, arguments.clone()).await? == json!(true) {
                return Ok(());
            }
            pause(Duration::from_millis(40)).await;
        }
        self.picture("failed").await?;
        let text = self.run("return document.body.innerText", vec![]).await?;
        bail!(
            "{}: waited in vain for {what:?}; the page shows:\n{}",
            self.name,
            text.as_str().unwrap_or_default()
        )
    }

    pub(crate) async fn click(&self, id: &str) -> anyhow::Result<()> {
        self.click_css(&format!("[data-testid='{id}']")).await
    }

    pub(crate) async fn click_css(&self, css: &str) -> anyhow::Result<()> {
        let wait = self.browser.client.wait().at_most(PATIENCE);
        let element = wait.for_element(Locator::Css(css)).await?;
        element.click().await.with_context(|| format!("click on {css}"))
    }

    /// Writes into a box and sends with Enter.
    pub(crate) async fn write(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let css = format!("[data-testid='{id}']");
        let element = self.browser.client.find(Locator::Css(&css)).await?;
        element
            .send_keys(&format!("{text}{}", char::from(Key::Enter)))
            .await?;
        Ok(())
    }

    /// Types wherever the focus is.
    pub(crate) async fn keys(&self, text: &str) -> anyhow::Result<()> {
        self.browser
            .client
            .active_element()
            .await?
            .send_keys(text)
            .await?;
        Ok(())
    }

    /// Presses Tab until the element has the focus.
    pub(crate) async fn tab_to(&self, id: &str) -> anyhow::Result<()> {
        for _ in 0..60 {
            self.keys(&char::from(Key::Tab).to_string()).await?;
            let script = "return document.activeElement?.dataset.testid ?? ''";
            if self.run(script, vec![]).await? == json!(id) {
                return Ok(());
            }
        }
        bail!("{}: Tab does not reach {id}", self.name)
    }

    /// Nothing sticks out sideways.
    pub(crate) async fn fits(&self) -> anyhow::Result<()> {
        let script = "const wide = document.documentElement.scrollWidth - window.innerWidth;
            const out = [...document.querySelectorAll('body *')].filter((it) => it.checkVisibility()
                && it.closest('.hidden-label') === null && it.getBoundingClientRect().right > window.innerWidth + 1);
            return [wide, window.innerWidth, out.map((it) => it.outerHTML.slice(0, 120))]";
        let measured = self.run(script, vec![]).await?;
        let wide = measured[0].as_i64().context("a width")?;
        ensure!(
            wide <= 0 && measured[2] == json!([]),
            "{}: wider than the screen: {measured}",
            self.name
        );
        Ok(())
    }

    /// The page asked nobody but the demo for anything.
    pub(crate) async fn stayed_at_home(&self) -> anyhow::Result<()> {
        let script = "return performance.getEntries().filter((it) => it.entryType === 'resource'
            || it.entryType === 'navigation').map((it) => it.name)
            .filter((it) => !it.startsWith(location.origin + '/'))";
        let elsewhere = self.run(script, vec![]).await?;
        ensure!(
            elsewhere == json!([]),
            "requests left the page's origin: {elsewhere}"
        );
        let some = "return performance.getEntriesByType('resource').length > 5";
        ensure!(
            self.run(some, vec![]).await? == json!(true),
            "no requests were seen"
        );
        Ok(())
    }

    /// Everything that can be used has a name.
    pub(crate) async fn is_named(&self) -> anyhow::Result<()> {
        let script = "return [...document.querySelectorAll('button, select, textarea, input, summary')]
            .filter((it) => it.checkVisibility() && !it.ariaLabel && !it.labels?.length && !it.textContent.trim())
            .map((it) => it.outerHTML)";
        let nameless = self.run(script, vec![]).await?;
        ensure!(nameless == json!([]), "without a name: {nameless}");
        Ok(())
    }

    /// Saves what the browser shows.
    pub(crate) async fn picture(&self, what: &str) -> anyhow::Result<()> {
        // The moment after a change is still in motion.
        pause(Duration::from_millis(250)).await;
        let png = self.browser.client.screenshot().await?;
        std::fs::create_dir_all(ARTIFACTS)?;
        let file = Path::new(ARTIFACTS).join(format!("{}-{what}.png", self.name));
        std::fs::write(file, png)?;
        Ok(())
    }
}
