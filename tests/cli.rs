//! What the commands print, against transcripts of them.

#[test]
fn the_commands_do_what_their_transcripts_say() {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cli/*.trycmd").case("tests/cli/*.toml");
    // A link to docs/command-line.md, so that its input lies here and not among the documents.
    cases.case("tests/cli/command-line.md");
}

#[test]
fn the_page_of_the_command_line_tells_every_warning() {
    let page = include_str!("../docs/command-line.md");
    let section = page.split_once("### Warnings\n").and_then(|(_, rest)| rest.split_once("\n## "));
    let rows = section.into_iter().flat_map(|(section, _)| section.lines()).filter(|line| line.starts_with("| `"));
    let expected = bargate::review::WARNINGS.map(|(code, meaning)| format!("| `{code}` | {meaning} |"));
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}
