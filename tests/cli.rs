//! The command line, held against transcripts of its use.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[test]
fn the_commands_do_what_their_transcripts_say() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}
