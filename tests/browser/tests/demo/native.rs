//! A person uses the second tab: a channel that RCE owns.

use serde_json::{Value, json};

use super::page::Page;
use super::{Screen, tell};

const ENTER: &str = "\u{e007}";
const RIGHT: &str = "\u{e014}";
const HOME: &str = "\u{e011}";
/// What strangers may write. As markup it would rename the page.
const MARKUP: &str = "<img src=x onerror=\"document.title='hacked'\"><b>bold</b>";

async fn open(page: &Page<'_>) -> anyhow::Result<()> {
    page.click("channel-native").await?;
    page.sees("hint", "You write to RingCentral here").await?;
    page.misses("chat-bot").await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desktop() -> anyhow::Result<()> {
    tell("native", Screen::Desktop, async |page| {
        open(page).await?;
        page.picture("1-start").await?;
        page.write("chat-input", "Hello!").await?;
        page.sees("chat-customer", "Hello!").await?;
        page.sees("wire", "Hello!").await?;
        page.sees("chat-bot", "What is it about?").await?;
        page.sees("chat-mark", "On the phone").await?;
        page.click_css("[data-testid='choice']:nth-child(2)").await?;
        page.sees("chat-customer", "Opening hours").await?;
        page.sees("wire", "Opening hours (hours)").await?;
        page.sees("chat-bot", "We are open Monday to Friday").await?;
        page.picture("2-buttons").await?;
        page.click("chat-picture").await?;
        page.sees("chat-customer", "broken-lamp.png").await?;
        page.sees("chat-bot", "I cannot see what is in a picture").await?;
        page.write("chat-input", "A receipt, please").await?;
        page.sees("chat-bot", "receipt-4711.pdf").await?;
        page.fits().await?;
        page.picture("3-files").await?;

        page.write("chat-input", "I want a human").await?;
        page.sees("desk-group-queue", "Alex Morgan").await?;
        page.sees("handler", "Waiting for an agent").await?;
        page.sees("chat-bot", "You are in line.").await?;
        page.click("butt-in").await?;
        page.sees("wire", "handler: agent").await?;
        page.sees("wire", "have you seen our new lamps?").await?;
        page.picture("4-in-the-queue").await?;

        page.click("entry-take").await?;
        page.sees("thread-state", "You have this conversation").await?;
        page.write("desk-input", "Hello Alex, show me the lamp.").await?;
        page.sees("desk-note", "The customer asked for a human").await?;
        page.sees("chat-agent", "Hello Alex, show me the lamp.").await?;
        page.click("butt-in").await?;
        page.write("chat-input", "It is broken, as you can see.").await?;
        page.sees("desk-customer", "It is broken, as you can see.")
            .await?;
        page.sees("handler", "Sam answers").await?;
        page.picture("5-with-the-agent").await?;

        page.click("desk-close").await?;
        page.sees("chat-bot", "I'm back!").await?;
        page.sees("handler", "Ada (bot) answers").await?;
        never_says(page, "have you seen our new lamps?").await?;
        page.click("show-timeline").await?;
        page.sees("timeline-row", "message.delivered").await?;
        page.picture("6-timeline").await?;
        page.stayed_at_home().await
    })
    .await
}

/// Neither the phone nor the desk shows it.
async fn never_says(page: &Page<'_>, text: &str) -> anyhow::Result<()> {
    let script = "return [...document.querySelectorAll('#chat-lines, #desk-lines')]
        .every((it) => it.children.length > 3 && !it.textContent.includes(arguments[0]))";
    anyhow::ensure!(
        page.run(script, vec![json!(text)]).await? == json!(true),
        "{text:?} was heard"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_falls_silent() -> anyhow::Result<()> {
    tell("native-silent", Screen::Desktop, async |page| {
        open(page).await?;
        page.write("chat-input", "Go to sleep").await?;
        page.sees("handler", "Ada (bot) is silent").await?;
        page.sees("hint", "the agents have the conversation, with a note why")
            .await?;
        page.write("chat-input", "Is anybody there?").await?;
        page.picture("1-silence").await?;
        page.sees("desk-group-queue", "Alex Morgan").await?;
        page.sees("wire", "bot_silent").await?;
        page.picture("2-queued").await?;
        page.click("entry-take").await?;
        page.write("desk-input", "I am here.").await?;
        page.sees("desk-note", "The bot has not answered.").await?;
        page.sees("chat-agent", "I am here.").await?;
        page.click("theme").await?;
        page.picture("3-taken-in-the-dark").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone() -> anyhow::Result<()> {
    tell("native-phone", Screen::Phone, async |page| {
        page.fits().await?;
        open(page).await?;
        page.misses("pane-bridge").await?;
        page.click_css("[data-testid='chip'].next").await?;
        page.sees("chat-bot", "What is it about?").await?;
        page.fits().await?;
        page.picture("1-buttons").await?;
        let long = "z".repeat(200);
        page.write("chat-input", &format!("{long} human")).await?;
        page.sees("tab-desk", "1").await?;
        page.sees("chat-bot", "You are in line.").await?;
        page.fits().await?;
        page.click("tab-bridge").await?;
        page.sees("wire", "POST /handover").await?;
        page.fits().await?;
        page.picture("2-bridge").await?;
        page.click("tab-desk").await?;
        page.click("entry-take").await?;
        page.write("desk-input", "Hello!").await?;
        page.sees("desk-note", "The customer asked for a human").await?;
        page.fits().await?;
        page.picture("3-desk").await?;
        page.click("tab-chat").await?;
        page.sees("chat-agent", "Hello!").await?;
        page.fits().await?;
        page.picture("4-agent").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_keyboard_from_tab_to_tab() -> anyhow::Result<()> {
    tell("native-keyboard", Screen::Desktop, async |page| {
        page.write("chat-input", "Where is my order?").await?;
        page.sees("chat-bot", "4711").await?;
        page.keys("half a sentence").await?;
        page.tab_to("channel-own").await?;
        page.keys(RIGHT).await?;
        has_focus(page, "channel-native").await?;
        page.sees("hint", "You write to RingCentral here").await?;
        page.misses("chat-bot").await?;
        is_shown(page, "channel-native", "").await?;
        page.picture("focus").await?;
        page.is_named().await?;
        page.tab_to("chat-input").await?;
        page.keys(&format!("hello{ENTER}")).await?;
        page.sees("chat-bot", "What is it about?").await?;
        page.tab_to("choice").await?;
        page.keys(ENTER).await?;
        page.sees("chat-customer", "My order").await?;

        page.tab_to("channel-native").await?;
        page.keys(HOME).await?;
        has_focus(page, "channel-own").await?;
        page.sees("chat-customer", "Where is my order?").await?;
        is_shown(page, "channel-own", "half a sentence").await?;
        page.keys(RIGHT).await?;
        page.sees("chat-customer", "My order").await
    })
    .await
}

async fn has_focus(page: &Page<'_>, id: &str) -> anyhow::Result<()> {
    let script = "return document.activeElement?.dataset.testid === arguments[0]";
    page.until(&format!("focus on {id}"), script, vec![json!(id)])
        .await
}

/// One tab is chosen, names the panel, and is the only one in the order of focus; the customer's box has this text.
async fn is_shown(page: &Page<'_>, id: &str, draft: &str) -> anyhow::Result<()> {
    let script = "const tabs = [...document.querySelectorAll('[role=tab]')];
        const chosen = tabs.filter((it) => it.getAttribute('aria-selected') === 'true' && it.tabIndex === 0);
        const panel = document.querySelector('[role=tabpanel]');
        return tabs.length === 2 && chosen.length === 1 && tabs.filter((it) => it.tabIndex === 0).length === 1
            && chosen[0].dataset.testid === arguments[0] && panel.getAttribute('aria-labelledby') === chosen[0].id
            && document.getElementById('chat-input').value === arguments[1]";
    let arguments = vec![json!(id), json!(draft)];
    page.until(&format!("{id} chosen"), script, arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_write_is_text() -> anyhow::Result<()> {
    tell("native-markup", Screen::Desktop, async |page| {
        open(page).await?;
        page.write("chat-input", &format!("{MARKUP} human")).await?;
        page.sees("chat-customer", MARKUP).await?;
        page.sees("wire", MARKUP).await?;
        page.sees("desk-group-queue", "Alex Morgan").await?;
        page.click("entry-take").await?;
        page.sees("desk-customer", MARKUP).await?;
        page.write("desk-input", MARKUP).await?;
        page.sees("chat-agent", MARKUP).await?;
        page.picture("text").await?;
        let script = "return [document.title.includes('hacked'), document.querySelectorAll('main img, main .body b').length]";
        let Value::Array(found) = page.run(script, vec![]).await? else {
            anyhow::bail!("a list");
        };
        anyhow::ensure!(found == [json!(false), json!(0)], "it became markup: {found:?}");
        Ok(())
    })
    .await
}
