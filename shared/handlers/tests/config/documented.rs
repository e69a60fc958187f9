//! The whole files that the documentation shows. Their first line is `# connections.toml`.

use std::path::{Path, PathBuf};

use crate::samples::FULL;

/// A file that `check` would read: where its secrets are, there is one.
fn is_accepted(text: &str) -> Result<(), String> {
    handover_handlers::config::parse(text, &Anything)
        .map(drop)
        .map_err(|error| error.to_string())
}

struct Anything;

impl handover_handlers::config::Lookup for Anything {
    fn env(&self, name: &str) -> Option<String> {
        Some(format!("a-secret-value-of-{name}"))
    }

    fn file(&self, path: &str) -> Result<String, std::io::Error> {
        Ok(format!("a-secret-value-of-{path}"))
    }
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

#[test]
fn whole_files_in_the_documentation_are_accepted() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut found = 0;
    for page in pages(&docs) {
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = text.split("```toml\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split_once("```").map(|(block, _)| block));
        for block in blocks.filter(|block| block.starts_with("# connections.toml\n")) {
            found += 1;
            assert_eq!(is_accepted(block), Ok(()), "{}:\n{block}", page.display());
        }
    }
    assert!(found >= 3, "{found} whole files");
    assert!(is_accepted(&FULL.replace("[connections.shop]", "[connections.shop]\nodd = 1")).is_err());
}
