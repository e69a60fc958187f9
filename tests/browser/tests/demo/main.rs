//! A person uses the demo: from the bot to the agent and back.

mod browser;
mod native;
mod page;

use std::net::{Ipv4Addr, SocketAddr};

use engage_handover::demo::{self, DemoOptions};
use tokio::sync::Mutex;

use browser::{Browser, Programs, Screen};
use page::Page;

/// Browsers are heavy; one at a time.
static ONE_BROWSER: Mutex<()> = Mutex::const_new(());

/// Starts a demo and a browser, tells the story, and stops both however it ends.
async fn tell(
    name: &'static str,
    screen: Screen,
    story: impl AsyncFnOnce(&Page<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(programs) = Programs::find() else {
        return Ok(());
    };
    let _turn = ONE_BROWSER.lock().await;
    let demo = demo::start(DemoOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        open_browser: false,
        data: None,
        speed: 10.0,
    })
    .await?;
    let browser = Browser::start(&programs, screen).await?;
    let told = match Page::open(&browser, name, demo.url()).await {
        Ok(page) => story(&page).await,
        Err(error) => Err(error),
    };
    browser.stop().await?;
    demo.stop().await?;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desktop() -> anyhow::Result<()> {
    tell("desktop", Screen::Desktop, async |page| {
        page.sees("simulated-label", "Simulated RingCentral Engage Digital")
            .await?;
        page.sees("hint", "You are the customer").await?;
        page.picture("1-start").await?;

        page.write("chat-input", "Where is my order?").await?;
        page.sees("chat-customer", "Where is my order?").await?;
        page.sees("chat-bot", "4711").await?;
        page.sees("handler", "Ada (bot) answers").await?;
        page.sees("timeline-row", "message.sent").await?;

        page.write("chat-input", "I want to talk to a human").await?;
        page.sees("queue-position", "1st in line").await?;
        page.sees("queue-wait", "about").await?;
        page.sees("desk-group-queue", "Alex Morgan").await?;
        page.picture("2-in-the-queue").await?;

        page.click("entry-take").await?;
        page.sees("thread-state", "You have this conversation").await?;
        page.sees("desk-bot", "talked to the bot about an order").await?;
        page.sees("handler", "answers").await?;
        page.misses("waiting").await?;
        page.write("desk-input", "Hello Alex, what can I do for you?")
            .await?;
        page.sees("chat-agent", "Hello Alex, what can I do for you?")
            .await?;
        page.sees("chat-agent", "Sam Okafor").await?;
        page.sees("handler", "Sam Okafor answers").await?;
        page.sees("desk-agent", "Read").await?;

        page.write("chat-input", "My parcel is late. Where is my order?")
            .await?;
        page.sees("desk-customer", "My parcel is late.").await?;
        page.write("desk-input", "أهلا وسهلا، لحظة من فضلك").await?;
        page.sees("chat-agent", "لحظة").await?;
        let long = "x".repeat(300);
        page.write("chat-input", &long).await?;
        page.sees("desk-customer", &long).await?;
        page.sees("timeline-row", "agent_message.accepted").await?;
        page.sees("figure", "agent → customer").await?;
        page.fits().await?;
        page.picture("3-with-the-agent").await?;
        page.click("theme").await?;
        page.picture("4-dark").await?;
        page.click("show-wire").await?;
        page.sees("wire", "message.created").await?;
        page.picture("5-bot-api").await?;
        page.click("show-timeline").await?;
        page.click("theme").await?;

        page.click("desk-close").await?;
        page.sees("chat-notice", "Sam Okafor closed the conversation")
            .await?;
        page.sees("chat-bot", "I'm back!").await?;
        page.sees("handler", "Ada (bot) answers").await?;
        page.write("chat-input", "When are you open?").await?;
        page.sees("chat-bot", "Saturday").await?;
        page.sees("timeline-row", "bot.resumed").await?;
        page.picture("6-back-with-the-bot").await?;
        page.stayed_at_home().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone() -> anyhow::Result<()> {
    tell("phone", Screen::Phone, async |page| {
        page.misses("pane-desk").await?;
        page.fits().await?;
        page.picture("1-start").await?;
        page.click_css("[data-testid='chip'].next").await?;
        page.sees("chat-bot", "4711").await?;
        page.click_css("[data-testid='chip'].next").await?;
        page.sees("queue-position", "1st in line").await?;
        page.sees("tab-desk", "1").await?;
        page.fits().await?;
        page.picture("2-in-the-queue").await?;

        page.click("tab-desk").await?;
        page.misses("pane-chat").await?;
        page.sees("desk-group-queue", "Alex Morgan").await?;
        page.fits().await?;
        page.picture("3-queue-at-the-desk").await?;
        page.click("entry-take").await?;
        page.sees("thread-state", "You have this conversation").await?;
        page.write("desk-input", &format!("Hello Alex! {}", "y".repeat(120)))
            .await?;
        page.sees("desk-agent", "Delivered").await?;
        page.fits().await?;
        page.picture("4-reply").await?;

        page.click("tab-chat").await?;
        page.sees("chat-agent", "Hello Alex!").await?;
        page.write("chat-input", "شكرا 🙏 thank you").await?;
        page.fits().await?;
        page.picture("5-with-the-agent").await?;

        page.click("tab-desk").await?;
        page.sees("desk-customer", "thank you").await?;
        page.sees("desk-agent", "Read").await?;
        page.click("desk-close").await?;
        page.click("tab-chat").await?;
        page.sees("chat-bot", "I'm back!").await?;
        page.click("tab-bridge").await?;
        page.sees("timeline-row", "handover.completed").await?;
        page.fits().await?;
        page.picture("6-timeline").await?;
        page.click("show-wire").await?;
        page.fits().await?;
        page.picture("7-bot-api").await?;
        page.stayed_at_home().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_keyboard_only() -> anyhow::Result<()> {
    tell("keyboard", Screen::Desktop, async |page| {
        page.is_named().await?;
        page.tab_to("chat-input").await?;
        page.keys("hello\u{e007}").await?;
        page.sees("chat-bot", "Ask me about your order").await?;
        page.keys("a human, please\u{e007}").await?;
        page.sees("queue-position", "1st in line").await?;
        page.tab_to("entry-take").await?;
        page.picture("focus").await?;
        page.keys("\u{e007}").await?;
        // Whoever takes a conversation can write at once.
        let script = "return document.activeElement?.dataset.testid === 'desk-input'";
        page.until("focus in the reply box", script, vec![]).await?;
        page.keys("Good morning!\u{e007}").await?;
        page.sees("chat-agent", "Good morning!").await?;
        page.is_named().await?;
        // Round the page once, past the customer's chat.
        page.tab_to("desk-close").await?;
        page.keys(" ").await?;
        page.sees("chat-bot", "I'm back!").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_line_of_customers() -> anyhow::Result<()> {
    tell("line", Screen::Desktop, async |page| {
        page.click("add-customer").await?;
        page.sees("desk-group-queue", "Priya Nair").await?;
        page.write("chat-input", "I want to talk to a human").await?;
        page.sees("queue-position", "2nd in line").await?;
        page.click("entry-take").await?; // the first in the list
        page.sees("queue-position", "1st in line").await?;
        page.sees("thread-name", "Priya Nair").await?;
        page.write("desk-input", "Hello Priya!").await?;
        page.sees("desk-customer", "That was quick").await?;
        page.picture("1-first").await?;
        page.click("cancel-handover").await?;
        page.sees("chat-notice", "taken back").await?;
        page.sees("chat-bot", "I'm still here").await?;
        page.sees("desk-group-bot", "Alex Morgan").await
    })
    .await
}
