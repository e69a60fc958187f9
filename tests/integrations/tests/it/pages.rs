//! What the documentation says about the examples is true.

use std::fs;

use crate::installed::at;

#[test]
fn the_bots_stay_small() {
    for file in ["integrations/python/bot.py", "integrations/javascript/bot.js"] {
        let lines = fs::read_to_string(at(file)).unwrap().lines().count();
        assert!(lines < 80, "{file} has {lines} lines");
    }
}
