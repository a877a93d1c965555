//! What the readers asked a config for, noted on test builds alone: the schema is held against it.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use super::reader::Place;

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To a member of an object.
    Key(String),
    /// To an item of an array.
    Index(usize),
}

/// What was asked for at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A key, whatever its value.
    Key,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A boolean.
    Boolean {
        /// What an absent one means.
        default: bool,
    },
    /// A whole number.
    Integer {
        /// The numbers that are taken.
        range: RangeInclusive<u64>,
        /// What an absent one means.
        default: u64,
    },
    /// One of a few numbers.
    Numbers {
        /// The numbers that are taken.
        choices: Vec<u64>,
        /// What an absent one means.
        default: u64,
    },
    /// One of a few names.
    Choice {
        /// The names that are taken.
        names: Vec<&'static str>,
    },
    /// All members of an object whose keys are free.
    Members,
}

/// All that was asked for, with the place of each.
pub type Log = Vec<(Vec<Step>, Asked)>;

thread_local! {
    static ASKED: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Notes what is asked for at `place`, where anybody is listening.
pub fn note_asked(place: &Place<'_>, asked: Asked) {
    ASKED.with_borrow_mut(|all| {
        if let Some(all) = all {
            let mut steps = Vec::new();
            append_steps(place, &mut steps);
            all.push((steps, asked));
        }
    });
}

/// Gives all that is asked for while `read` runs, with the place of each.
pub fn listen(read: impl FnOnce()) -> Log {
    ASKED.set(Some(Vec::new()));
    read();
    ASKED.take().unwrap_or_default()
}

fn append_steps(place: &Place<'_>, steps: &mut Vec<Step>) {
    match place {
        Place::Root => {}
        Place::Key(parent, key) => {
            append_steps(parent, steps);
            steps.push(Step::Key((*key).to_owned()));
        }
        Place::Index(parent, index) => {
            append_steps(parent, steps);
            steps.push(Step::Index(*index));
        }
    }
}
