//! An operator uses the operator page of the one-machine stage.

#[path = "../demo/browser.rs"]
mod browser;
#[path = "../demo/page.rs"]
#[expect(dead_code, reason = "shared with the demo's test")]
mod page;
mod world;

use tokio::sync::Mutex;

use browser::{Browser, Programs, Screen};
use page::Page;
use world::{OPERATOR_KEY, World};

/// Browsers are heavy; one at a time.
static ONE_BROWSER: Mutex<()> = Mutex::const_new(());
/// An id that a careless page would take for markup.
const MARKUP: &str = "<b id=oops>c-2</b>&amp;";
/// Draws an hour that nobody has time to live through, with ten minutes of silence, and what the checks may find.
const AN_HOUR: &str = r#"
    clearTimeout(look.timer);
    look.busy = true;
    const now = Date.now();
    const points = [...Array(360).keys()].map((n) => ({
        time: now - (359 - n) * 10000, sent: 6 + 3 * Math.sin(n / 17) + (n % 7) / 3,
        ms: n > 100 && n < 160 ? null : 40 + (n % 90 === 0 ? 900 : 20 * Math.sin(n / 5)),
    }));
    const draw = (title, of, colour) => plot(title, points, [{ name: "figure", colour, of }], (value) => String(+value.toFixed(1)), 10);
    show($("plots"), draw("Delivery time", (it) => it.ms, "blue"), draw("Messages", (it) => it.sent, "violet"),
        draw("Open handovers", (it) => Math.round(it.sent), "green"), draw("Failed attempts", () => 0, "red"));
    const checks = [
        { status: "error", title: "Webhook", what: "The webhook is switched off.", why: "Ends of handovers are not heard of.", how: "Switch it on at Admin > Webhooks." },
        { status: "warning", title: "Clock", what: "It is 40 seconds off.", why: "News may look old.", how: "Run an NTP client." },
        { status: "ok", title: "Token", what: "Accepted.", why: "", how: "" },
        { status: "skipped", title: "Bot", what: "Not tried.", why: "", how: "" },
    ];
    show($("checks"), el("ul", { class: "checks" }, ...checks.map(check)));
    $("health").hidden = false;
"#;
const WORDS: &str = "my order <i>4711</i> is late";

async fn tell(
    name: &'static str,
    screen: Screen,
    story: impl AsyncFnOnce(&Page<'_>, &mut World) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(programs) = Programs::find() else {
        return Ok(());
    };
    let _turn = ONE_BROWSER.lock().await;
    let mut world = World::start().await?;
    let browser = Browser::start(&programs, screen).await?;
    let told = match Page::at(&browser, name, &world.url("/operator")).await {
        Ok(page) => story(&page, &mut world).await,
        Err(error) => Err(error),
    };
    browser.stop().await?;
    world.stop().await;
    told
}

/// One person waits for an agent; another's agent wrote what the bot refused.
async fn two_people(world: &World) -> anyhow::Result<()> {
    world.writes("c-1", WORDS).await?;
    world.asks_for_a_human("c-1").await?;
    world.writes(MARKUP, "hello").await?;
    world.asks_for_a_human(MARKUP).await?;
    world.until_waiting(2).await?;
    world.bot_refuses("Good morning!");
    world.agent_writes(MARKUP, "Good morning!")
}

async fn enters_the_key(page: &Page<'_>) -> anyhow::Result<()> {
    page.write("key", OPERATOR_KEY).await?;
    page.sees("freshness", "live").await
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_and_mends_what_is_broken() -> anyhow::Result<()> {
    tell("operator", Screen::Desktop, async |page, world| {
        page.sees("enter", "Operator key").await?;
        page.picture("1-key").await?;
        page.write("key", "a-key-that-nobody-has-given").await?;
        page.sees("refused", "Not accepted").await?;
        page.misses("tiles").await?;
        enters_the_key(page).await?;
        page.sees("conversations", "No conversation yet").await?;
        page.sees("letters", "None").await?;
        page.picture("2-empty").await?;

        two_people(world).await?;
        page.sees("conversation", "c-1").await?;
        page.sees("conversation", "nobody yet").await?;
        page.sees("conversation", "no. 1").await?;
        page.sees("conversation", MARKUP).await?;
        page.sees("conversation", "Sam Okafor").await?;
        page.sees("letter", "the bot refused it (400)").await?;
        page.sees("tiles", "waiting for an agent").await?;
        page.sees("checks", "Not checked yet").await?;
        page.click("check").await?;
        page.sees("check-result", "RingCentral").await?;
        page.sees("checked-at", "As of").await?;
        let injected = "return document.getElementById('oops') === null && document.querySelector('i') === null";
        page.until("markup is text", injected, vec![]).await?;
        page.is_named().await?;
        page.fits().await?;
        page.picture("3-conversations").await?;

        page.write("find", "c-1").await?;
        let others = "return !document.querySelector('[data-testid=conversations]').textContent.includes('c-2')";
        page.until("one conversation", others, vec![]).await?;
        page.click("timeline").await?;
        page.sees("line", "handover.started").await?;
        page.misses("words").await?;
        page.picture("4-timeline").await?;
        page.click("text").await?;
        page.sees("words", WORDS).await?;
        page.until("markup is text", injected, vec![]).await?;
        page.click("timeline-close").await?;

        world.bot_refuses("");
        page.click("replay").await?;
        page.sees("sure", "Replay this dead letter?").await?;
        page.picture("5-sure").await?;
        page.click("sure-no").await?;
        page.sees("letter", "the bot refused it (400)").await?;
        page.click("replay").await?;
        page.click("sure-yes").await?;
        page.sees("said", "tried again").await?;
        page.sees("letters", "None").await?;
        world.until_told("Good morning!").await?;

        page.click("release").await?;
        page.sees("sure", "c-1").await?;
        page.click("sure-yes").await?;
        page.sees("said", "c-1 is back with the bot").await?;
        page.sees("conversation", "the bot").await?;
        page.sees("conversation", "cancelled").await?;

        page.click("drain").await?;
        page.click("sure-yes").await?;
        page.sees("tiles", "draining").await?;
        page.click("drain").await?;
        page.sees("tiles", "open").await?;

        // A step of the plots is ten seconds.
        let drawn = "return document.querySelectorAll('[data-testid=plot] path, [data-testid=plot] circle').length > 3";
        page.until("lines of the last hour", drawn, vec![]).await?;
        page.picture("6-plots").await?;
        page.run(AN_HOUR, vec![]).await?;
        let gap = "return document.querySelector('[data-testid=plot] path').getAttribute('d').split('M').length === 3";
        page.until("a gap where nothing was delivered", gap, vec![]).await?;
        page.sees("check-result", "The webhook is switched off").await?;
        page.fits().await?;
        page.picture("7-hour").await?;
        page.run("document.documentElement.style.colorScheme = 'dark'", vec![])
            .await?;
        page.picture("7-dark").await?;
        page.run(
            "document.documentElement.style.colorScheme = ''; look.busy = false; look()",
            vec![],
        )
        .await?;
        page.stayed_at_home().await?;

        world.stop_the_bridge().await;
        page.sees("banner", "does not answer").await?;
        page.sees("freshness", "as of").await?;
        page.picture("8-stale").await?;
        page.click("leave").await?;
        page.sees("enter", "Operator key").await?;
        page.misses("conversations").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_and_by_keyboard() -> anyhow::Result<()> {
    tell("operator-phone", Screen::Phone, async |page, world| {
        page.fits().await?;
        enters_the_key(page).await?;
        two_people(world).await?;
        page.sees("letter", "the bot refused it (400)").await?;
        page.sees("conversation", "no. 1").await?;
        page.fits().await?;
        page.picture("1-conversations").await?;
        page.run(
            "document.querySelector('[data-testid=letters]').scrollIntoView()",
            vec![],
        )
        .await?;
        page.picture("2-dead-letters").await?;
        page.tab_to("timeline").await?;
        page.keys("\u{e007}").await?;
        page.sees("timeline", "handover.started").await?;
        page.fits().await?;
        page.picture("3-timeline").await?;
        page.keys("\u{e00c}").await?;
        page.misses("timeline-close").await?;
        // The page was drawn anew meanwhile, and the focus stayed where it was.
        let kept = "return document.activeElement?.dataset.testid === 'timeline'";
        page.until("focus on what opened it", kept, vec![]).await
    })
    .await
}
