//! What Linux says of this process, in `/proc` (proc(5)); elsewhere, nothing.

use std::fs;
use std::time::Duration;

/// Length of a tick in `/proc/self/stat` (`USER_HZ`): the same on every architecture that we build for.
const TICK: Duration = Duration::from_millis(10);

/// What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// User and system.
    pub cpu: Option<Duration>,
    pub memory_bytes: Option<u64>,
    pub open_fds: Option<u64>,
    pub max_fds: Option<u64>,
}

/// Reads four small files. Takes well below a millisecond.
pub fn process() -> Process {
    let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    Process {
        cpu: cpu(&text("stat")),
        memory_bytes: word_after(&text("status"), "VmRSS:", 0).map(|kib| kib * 1024),
        open_fds: fs::read_dir("/proc/self/fd")
            .ok()
            .and_then(|all| u64::try_from(all.count()).ok()),
        max_fds: word_after(&text("limits"), "Max open files", 0),
    }
}

/// `utime` and `stime`: the 14th and 15th field. The second is the program's name, in brackets, with any character.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (ticks()?.checked_add(ticks()?)?))
}

fn word_after(text: &str, start: &str, nth: usize) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(start))?;
    line.split_whitespace().nth(nth)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 99 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu("nonsense"), None);
        assert_eq!(
            word_after("Name: x\nVmRSS:\t  2048 kB\n", "VmRSS:", 0),
            Some(2048)
        );
    }

    #[test]
    fn this_process_has_memory_and_open_files() {
        let process = process();
        assert!(
            process.memory_bytes > Some(100_000) && process.open_fds > Some(2),
            "{process:?}"
        );
        assert!(
            process.max_fds >= process.open_fds && process.cpu.is_some(),
            "{process:?}"
        );
    }
}
