use handover_core::ports::Urgency::{Begun, Idle, Now, Soon};
use proptest::prelude::*;

use super::*;

mod book;

const HOST: &str = "shop.api.engagement.dimelo.com";

/// Until everything has left the window.
const LONGEST_WAIT: Duration = Duration::from_secs(61);

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn seconds(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

#[test]
fn br_065_the_place_after_the_last_is_free_once_the_first_has_left_the_window() {
    let budget = ProcessBudget::new();
    assert_eq!(budget.try_take(HOST, 2, Now, seconds(0)), Ok(()));
    assert_eq!(budget.try_take(HOST, 2, Now, seconds(10)), Ok(()));
    let wait = budget.try_take(HOST, 2, Now, seconds(20)).unwrap_err();
    assert_eq!(wait, Duration::from_secs(41));
    assert_eq!(budget.try_take(HOST, 2, Now, seconds(20) + wait), Ok(()));
    assert!(budget.try_take(HOST, 2, Now, seconds(61)).is_err());
    assert_eq!(budget.try_take("other.test", 2, Now, seconds(20)), Ok(()));
}

#[test]
fn br_065_the_smallest_limit_of_a_host_counts_for_all_its_connections() {
    let budget = ProcessBudget::new();
    for second in 0..3 {
        assert_eq!(budget.try_take(HOST, 100, Now, seconds(second)), Ok(()));
    }
    let wait = budget.try_take(HOST, 2, Now, seconds(4)).unwrap_err();
    assert_eq!(wait, Duration::from_secs(58), "two of the three must leave");
    assert!(
        budget.try_take(HOST, 100, Now, seconds(5)).is_err(),
        "known from now on"
    );
    assert_eq!(budget.try_take(HOST, 100, Now, seconds(5 + 3700)), Ok(()));
    assert_eq!(budget.try_take(HOST, 100, Now, seconds(6 + 3700)), Ok(()));
    assert_eq!(
        budget.try_take(HOST, 100, Now, seconds(7 + 3700)),
        Ok(()),
        "forgotten with the connection"
    );
}

#[test]
fn a_limit_of_zero_is_one() {
    let budget = ProcessBudget::new();
    assert_eq!(budget.try_take(HOST, 0, Now, seconds(0)), Ok(()));
    assert!(budget.try_take(HOST, 0, Now, seconds(1)).is_err());
}

#[test]
fn br_065_pauses_grow_until_something_succeeds() {
    let budget = ProcessBudget::new();
    let mut now = start();
    let mut waits = Vec::new();
    for _ in 0..6 {
        let wait = budget.note_limited(HOST, None, now);
        assert_eq!(budget.try_take(HOST, 100, Now, now), Err(wait));
        now += wait;
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    assert_eq!(budget.try_take(HOST, 100, Now, now), Ok(()));
    budget.note_succeeded(HOST, now);
    assert_eq!(budget.note_limited(HOST, None, now), Duration::from_secs(5));
}

#[test]
fn br_065_refusals_of_requests_under_way_together_are_one() {
    let budget = ProcessBudget::new();
    for _ in 0..5 {
        assert_eq!(budget.note_limited(HOST, None, start()), Duration::from_secs(5));
    }
}

#[test]
fn br_065_what_rce_asks_for_is_honoured() {
    let budget = ProcessBudget::new();
    let asked = Duration::from_secs(17);
    assert_eq!(budget.note_limited(HOST, Some(asked), start()), asked);
    assert_eq!(
        budget.try_take(HOST, 100, Now, seconds(16)),
        Err(Duration::from_secs(1))
    );
    assert_eq!(budget.try_take(HOST, 100, Now, seconds(17)), Ok(()));
    budget.note_limited(HOST, Some(Duration::from_secs(13)), seconds(17));
    budget.note_limited(HOST, Some(Duration::from_secs(3)), seconds(17));
    assert_eq!(
        budget.try_take(HOST, 100, Now, seconds(20)),
        Err(Duration::from_secs(10))
    );
    let forever = Duration::from_secs(1_000_000_000);
    assert_eq!(
        budget.note_limited(HOST, Some(forever), start()),
        Duration::from_hours(1)
    );
}

#[test]
fn who_looks_sees_what_a_call_would_have_to_wait_and_takes_nothing() {
    let budget = ProcessBudget::new();
    for _ in 0..3 {
        assert_eq!(budget.look(HOST, 2, seconds(0)), Duration::ZERO);
    }
    for second in [0, 10] {
        assert_eq!(budget.try_take(HOST, 2, Now, seconds(second)), Ok(()));
    }
    let wait = budget.look(HOST, 2, seconds(20));
    assert_eq!(wait, Duration::from_secs(41));
    assert_eq!(budget.try_take(HOST, 2, Now, seconds(20)), Err(wait));
    assert_eq!(budget.look(HOST, 2, seconds(20) + wait), Duration::ZERO);
    assert_eq!(budget.look("other.test", 2, seconds(20)), Duration::ZERO);
    // A limit that was only looked at is nobody's.
    assert!(budget.look(HOST, 1, seconds(62)) > Duration::ZERO);
    assert_eq!(budget.try_take(HOST, 2, Now, seconds(62)), Ok(()));
    budget.note_limited(HOST, Some(Duration::from_secs(17)), seconds(63));
    let wait = budget.look(HOST, 100, seconds(73));
    assert_eq!(
        wait,
        Duration::from_secs(50),
        "after the pause there is one place, taken"
    );
}

#[test]
fn a_clock_that_is_set_back_blocks_for_a_window_at_most() {
    let budget = ProcessBudget::new();
    assert_eq!(budget.try_take(HOST, 1, Now, seconds(7200)), Ok(()));
    let wait = budget.try_take(HOST, 1, Now, seconds(0)).unwrap_err();
    assert!(wait <= LONGEST_WAIT);
    assert_eq!(budget.try_take(HOST, 1, Now, seconds(61)), Ok(()));
}

#[test]
fn the_idle_get_a_twentieth_and_nothing_of_the_last_fifth() {
    let budget = ProcessBudget::new();
    for _ in 0..5 {
        assert_eq!(budget.try_take(HOST, 100, Idle, seconds(0)), Ok(()));
    }
    assert_eq!(
        budget.try_take(HOST, 100, Idle, seconds(1)),
        Err(Duration::from_mins(1))
    );
    for _ in 0..76 {
        assert_eq!(budget.try_take(HOST, 100, Now, seconds(30)), Ok(()));
    }
    assert_eq!(
        budget.try_take(HOST, 100, Idle, seconds(59)),
        Err(Duration::from_secs(2))
    );
    assert_eq!(
        budget.try_take(HOST, 100, Idle, seconds(61)),
        Ok(()),
        "76 and the five of before, less those"
    );
    for _ in 0..4 {
        assert_eq!(budget.try_take(HOST, 100, Now, seconds(62)), Ok(()));
    }
    let wait = budget.try_take(HOST, 100, Idle, seconds(62)).unwrap_err();
    assert_eq!(seconds(62) + wait, seconds(91), "less than a fifth is free");
    for _ in 0..14 {
        assert_eq!(
            budget.try_take(HOST, 100, Now, seconds(62)),
            Ok(()),
            "the urgent get all but what is needed to finish something"
        );
    }
    assert!(budget.try_take(HOST, 100, Now, seconds(62)).is_err());
}

#[test]
fn the_idle_get_one_place_of_a_small_limit_and_of_one_alone() {
    for limit in [1, 2, 5, 19, 20, 39] {
        let budget = ProcessBudget::new();
        assert_eq!(budget.try_take(HOST, limit, Idle, seconds(0)), Ok(()), "{limit}");
        assert!(budget.try_take(HOST, limit, Idle, seconds(1)).is_err(), "{limit}");
    }
}

#[test]
fn br_065_after_a_429_half_the_limit_is_left_and_a_tenth_comes_back_each_minute() {
    let budget = ProcessBudget::new();
    let free = |second: u64| {
        let now = seconds(second);
        std::iter::from_fn(|| budget.try_take(HOST, 100, Now, now).ok()).count()
    };
    let pause = Duration::from_secs(5);
    for _ in 0..3 {
        budget.note_limited(HOST, Some(pause), seconds(0));
    }
    assert_eq!(
        free(5),
        48,
        "half, less what is kept; three refusals together are one"
    );
    budget.note_succeeded(HOST, seconds(6));
    assert_eq!(free(66), 57);
    assert_eq!(free(127), 67);
    budget.note_limited(HOST, Some(pause), seconds(128));
    assert_eq!(free(188), 34);
    assert_eq!(free(249), 43);
    for minute in 5..10 {
        budget.note_limited(HOST, Some(pause), seconds(60 * minute));
    }
    assert_eq!(free(60 * 9 + 6), 10, "never less than a tenth");
    assert_eq!(free(60 * 9 + 6 + 9 * 60), 95);
}

#[test]
fn br_065_429s_within_a_minute_halve_the_limit_once() {
    let budget = ProcessBudget::new();
    for second in [0, 10, 20, 30, 59] {
        budget.note_limited(HOST, Some(Duration::from_secs(1)), seconds(second));
        budget.note_succeeded(HOST, seconds(second + 5));
    }
    let free = |second: u64| {
        let now = seconds(second);
        std::iter::from_fn(|| budget.try_take(HOST, 100, Now, now).ok()).count()
    };
    assert_eq!(free(60), 48);
    budget.note_limited(HOST, Some(Duration::from_secs(1)), seconds(62));
    assert_eq!(
        free(123),
        34,
        "a minute after the first it is halved again; a tenth came back since"
    );
}

#[test]
fn br_065_after_any_number_of_429s_one_request_is_left() {
    let budget = ProcessBudget::new();
    for second in 0..10 {
        budget.note_limited(HOST, Some(Duration::from_secs(1)), seconds(second));
    }
    assert_eq!(budget.try_take(HOST, 3, Now, seconds(11)), Ok(()));
    assert!(budget.try_take(HOST, 3, Now, seconds(12)).is_err());
}

#[test]
fn what_succeeds_during_a_pause_was_asked_before_and_does_not_shorten_the_next() {
    let budget = ProcessBudget::new();
    assert_eq!(
        budget.note_limited(HOST, None, seconds(0)),
        Duration::from_secs(5)
    );
    budget.note_succeeded(HOST, seconds(1));
    assert_eq!(
        budget.note_limited(HOST, None, seconds(6)),
        Duration::from_secs(10)
    );
}

fn urgency() -> impl Strategy<Value = Urgency> {
    prop_oneof![Just(Now), Just(Idle)]
}

/// The most that were taken within 60 seconds.
fn most_in_a_window(mut taken: Vec<Timestamp>) -> usize {
    taken.sort_unstable();
    let ends = |first: Timestamp| taken.partition_point(|at| *at <= first + WINDOW);
    let windows = taken
        .iter()
        .enumerate()
        .map(|(index, first)| ends(*first) - index);
    windows.max().unwrap_or(0)
}

proptest! {
    #[test]
    fn br_065_never_more_than_the_limit_in_any_minute(
        limit in 1_u32..60,
        steps in proptest::collection::vec((0_u64..4_000, urgency()), 1..400),
    ) {
        let budget = ProcessBudget::new();
        let mut now = start();
        let mut taken: Vec<(Timestamp, Urgency)> = Vec::new();
        for (step, urgency) in steps {
            now += Duration::from_millis(step);
            if let Err(wait) = budget.try_take(HOST, limit, urgency, now) {
                prop_assert!(wait <= LONGEST_WAIT);
                prop_assert_eq!(budget.try_take(HOST, limit, urgency, now + wait), Ok(()), "the promised place");
                now += wait;
            }
            taken.push((now, urgency));
        }
        prop_assert!(most_in_a_window(taken.iter().map(|(at, _)| *at).collect()) <= limit as usize);
        let idle = taken.iter().filter(|(_, urgency)| *urgency == Idle).map(|(at, _)| *at).collect();
        prop_assert!(most_in_a_window(idle) <= (limit as usize / 20).max(1));
    }

    #[test]
    fn the_urgent_are_refused_only_if_they_alone_fill_all_but_the_shares_of_others(
        limit in 1_u32..60,
        steps in proptest::collection::vec((0_u64..1_000, urgency()), 1..400),
    ) {
        let budget = ProcessBudget::new();
        let mut now = start();
        let mut urgent: Vec<Timestamp> = Vec::new();
        for (step, urgency) in steps {
            now += Duration::from_millis(step);
            let answer = budget.try_take(HOST, limit, urgency, now);
            if urgency == Idle {
                continue;
            }
            if answer.is_ok() {
                urgent.push(now);
            } else {
                let recent = urgent.iter().filter(|at| since(**at, now) <= WINDOW + MARGIN).count();
                let others = (limit as usize / 20).max(1) + limit as usize / 20;
                prop_assert!(recent + others >= limit as usize);
            }
        }
    }
}

/// Takes as many as there are at one moment.
fn all_of(budget: &ProcessBudget, limit: u32, urgency: Urgency, now: Timestamp) -> usize {
    std::iter::from_fn(|| budget.try_take(HOST, limit, urgency, now).ok()).count()
}

#[test]
fn a_burst_of_handovers_leaves_replies_a_part_of_their_own() {
    let budget = ProcessBudget::new();
    // Each handover that begins calls once more.
    let mut begun = 0;
    while budget.try_take(HOST, 500, Soon, seconds(0)).is_ok() {
        assert_eq!(
            budget.try_take(HOST, 500, Begun, seconds(0)),
            Ok(()),
            "what was begun"
        );
        begun += 1;
    }
    assert!(begun > 200, "{begun} handovers");
    assert!(all_of(&budget, 500, Idle, seconds(0)) == 0);
    assert!(
        all_of(&budget, 500, Now, seconds(0)) >= 20,
        "replies go out at once"
    );
}

#[test]
fn where_replies_use_up_everything_handovers_still_begin_and_end() {
    let budget = ProcessBudget::new();
    assert_eq!(all_of(&budget, 500, Now, seconds(0)), 475);
    assert_eq!(all_of(&budget, 500, Begun, seconds(0)), 25);
    let again = seconds(61);
    // Whoever is waiting takes whatever becomes free; a handover is among them.
    let (mut begun, mut refused) = (0, 0);
    for n in 0..600_u64 {
        let now = again + Duration::from_millis(n);
        if n % 3 == 0 {
            match budget.try_take(HOST, 500, Soon, now) {
                Ok(()) => {
                    begun += 1;
                    assert_eq!(budget.try_take(HOST, 500, Begun, now), Ok(()));
                }
                Err(_) => refused += 1,
            }
        } else {
            let _ = budget.try_take(HOST, 500, Now, now);
        }
    }
    assert!(begun >= 12 && refused > 0, "{begun} began, {refused} wait");
}

#[test]
fn who_waits_gets_their_place_in_the_order_in_which_they_came() {
    let budget = ProcessBudget::new();
    for n in 0..10 {
        assert_eq!(budget.try_take(HOST, 10, Now, seconds(n)), Ok(()));
    }
    let now = seconds(20);
    let mut turns: Vec<Timestamp> = (0..25)
        .map(|_| now + budget.look_and_expect(HOST, 10, now))
        .collect();
    let meant = |n: u64| seconds(n % 10) + (WINDOW + MARGIN) * u32::try_from(n / 10 + 1).unwrap();
    for (n, turn) in (0..).zip(&turns) {
        assert_eq!(*turn, meant(n), "the {n}th has a place of their own");
    }
    // Who comes later goes behind, and each finds their place.
    turns.push(seconds(30) + budget.try_take(HOST, 10, Now, seconds(30)).unwrap_err());
    assert_eq!(turns[25], meant(25));
    for turn in turns {
        assert_eq!(budget.look_and_expect(HOST, 10, turn), Duration::ZERO);
        assert_eq!(budget.try_take(HOST, 10, Now, turn), Ok(()));
    }
}

#[test]
fn who_is_expected_and_does_not_come_costs_nobody_a_place() {
    let budget = ProcessBudget::new();
    assert_eq!(all_of(&budget, 10, Now, seconds(0)), 10);
    for _ in 0..100 {
        assert!(budget.look_and_expect(HOST, 10, seconds(1)) > Duration::ZERO);
    }
    assert_eq!(all_of(&budget, 10, Now, seconds(61)), 10, "nobody came");
    assert_eq!(
        budget.look(HOST, 10, seconds(3_600)),
        Duration::ZERO,
        "and nobody waits for them for ever"
    );
}
