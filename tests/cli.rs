//! What the commands print, against transcripts of them.

#[test]
fn the_commands_do_what_their_transcripts_say() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}
