use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(html: &str, expected: &str) {
    assert_eq!(html_to_text(html), expected, "{html}");
}

#[test]
fn br_016_blocks_and_breaks_become_lines() {
    check("<p>One</p><p>Two</p>", "One\nTwo");
    check("One<br>Two<br/>Three", "One\nTwo\nThree");
    check("<p>One</p><p><br></p><p>Two</p>", "One\n\nTwo");
    check("<div><div>a</div></div><h1>b</h1>c", "a\nb\nc");
    check("a<br><br><br><br>b", "a\n\nb");
    check("<p></p>  <p> only </p>\n", "only");
    check(
        "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        "a b\nc",
    );
}

#[test]
fn br_016_white_space_is_collapsed_except_in_pre() {
    check("  a \n\t b&nbsp;&nbsp;<b> c</b> ", "a b c");
    check("<pre>a\n  b</pre>", "a\n  b");
}

#[test]
fn br_016_links_keep_their_target() {
    check(
        "see <a href=\"https://x.test/q?a=1&amp;b=2\">here</a>.",
        "see here (https://x.test/q?a=1&b=2).",
    );
    check("<a href='https://x.test/'>https://x.test</a>", "https://x.test");
    check("<a href='mailto:a@x.test'>a@x.test</a>", "a@x.test");
    check("<a href='https://x.test/i'></a>", "https://x.test/i");
    check(
        "<a href='https://x.test/i'><img src=i alt='plan'></a>",
        "plan (https://x.test/i)",
    );
    check("<a href='javascript:alert(1)'>click</a>", "click");
    check("<a name=top>anchor</a> <a>bare</a>", "anchor bare");
    check("<a href='https://x.test'>open", "open (https://x.test)");
    check(
        "<ul><li><a href='https://x.test'>x</a></li></ul>",
        "- x (https://x.test)",
    );
}

#[test]
fn br_016_a_link_around_a_block_ends_its_line() {
    check(
        "<a href='https://x.test/i'><div>plan</div></a>more",
        "plan (https://x.test/i)\nmore",
    );
}

#[test]
fn br_016_lists_and_entities_are_readable() {
    check(
        "Pick:<ul><li>Tea</li><li><p>Coffee</p></li><li></li></ul>done",
        "Pick:\n- Tea\n- Coffee\ndone",
    );
    check(
        "1 &lt; 2 &amp;&amp; &eacute; &#128077; &unknown;",
        "1 < 2 && é 👍 &unknown;",
    );
    check("1 < 2 & <3 > x", "1 < 2 & <3 > x");
}

#[test]
fn br_016_what_editors_make_of_a_letter_is_clean() {
    check(
        "<table><tr><td>Sum</td><td><table><tr><td>5</td><td>€</td></tr><tr><td>6</td></tr></table></td></tr></table>end",
        "Sum\n5 €\n6\nend",
    );
    check(
        "<p>You wrote:</p><blockquote><p>Where <b>is</b> it?</p></blockquote><p>Here.</p>",
        "You wrote:\nWhere is it?\nHere.",
    );
    check("👨‍👩‍👧 <i>all</i> of us &#x1F44B;", "👨‍👩‍👧 all of us 👋");
    check(
        "<ul><li>Tea<ol><li>green</li><li>black</li></ol></li><li>Milk</li></ul>",
        "- Tea\n- green\n- black\n- Milk",
    );
}

#[test]
fn br_016_scripts_and_styles_vanish() {
    check("a<script>if (1 < 2) { alert('<p>x</p>') }</script>b", "ab");
    check("<style>p { color: red }</style>text<!-- no -->", "text");
    check("before<script>never closed", "before");
    check("<script><p>in</p></script><p>out</p>", "out");
}

proptest! {
    #[test]
    fn any_text_is_converted_without_panic(html in "\\PC*") {
        html_to_text(&html);
    }

    #[test]
    fn any_markup_is_converted_without_panic(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "<p>", "</p>", "<a href='https://x.test'>", "</a>", "<a", " b=c b=d", ">", "<li>", "</ul>",
                "<pre>", "</pre>", "<script>", "</script>", "<img alt=x>", "&amp", "&#x0;", "<!--", "-->",
                "<![CDATA[", "é", "\n", " ", "x", "<br", "/>", "<plaintext>", "<textarea>", "\0",
            ]),
            0..40,
        )
    ) {
        let text = html_to_text(&pieces.concat());
        prop_assert!(!text.starts_with([' ', '\n']) || text.contains("- ") || pieces.contains(&"<pre>"), "{text:?}");
    }
}
