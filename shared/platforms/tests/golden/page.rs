//! docs/rich-messages.md names every kind that is in the table.

use super::cases;

#[test]
fn the_page_names_every_kind() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rich-messages.md");
    let page = std::fs::read_to_string(path).expect("the page");
    for direction in ["to", "from"] {
        let named: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix('|'))
            .flat_map(|row| row.split('|'))
            .flat_map(|cell| cell.split('`'))
            .collect();
        for name in cases(direction).into_keys() {
            assert!(
                named.contains(&name.as_str()),
                "docs/rich-messages.md has no row with `{name}`"
            );
        }
    }
}
