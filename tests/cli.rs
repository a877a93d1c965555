//! What the commands print, against transcripts of them.

use bargate::config::Code;

/// Returns every transcript.
fn transcripts() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cli/*.trycmd").case("tests/cli/*.toml");
    // Links to documents, so that their input lies here and not among them.
    cases.case("tests/cli/command-line.md").case("tests/cli/three-teams.md");
    cases
}

#[test]
fn the_commands_do_what_their_transcripts_say() {
    transcripts();
}

#[test]
#[ignore = "build/cli is made by scripts/test.mjs, which runs this then"]
fn the_commands_of_the_package_do_what_the_same_transcripts_say() {
    let program = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shell/support/bargate"));
    assert!(program.is_file(), "it is there: {}", program.display());
    transcripts().register_bin("bargate", program);
}

#[test]
fn the_recipe_for_three_teams_compares_its_own_config() {
    let recipe = include_str!("../docs/recipes/three-teams.md");
    let config = recipe.split_once("```json config\n").and_then(|(_, rest)| rest.split_once("```"));
    assert_eq!(config.map(|(config, _)| config), Some(include_str!("cli/three-teams.in/gateway.config.json")));
}

#[test]
fn the_page_of_the_command_line_tells_every_warning() {
    let page = include_str!("../docs/command-line.md");
    let section = page.split_once("### Warnings\n").and_then(|(_, rest)| rest.split_once("\n## "));
    let rows = section.into_iter().flat_map(|(section, _)| section.lines()).filter(|line| line.starts_with("| `"));
    let expected = Code::WARNINGS.iter().map(|code| format!("| `{code}` | {} |", code.meaning()));
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn the_page_of_the_command_line_tells_every_key_that_exposes_nothing() {
    let page = include_str!("../docs/command-line.md");
    let section = page.split_once("| key | because |\n| --- | --- |\n").and_then(|(_, rest)| rest.split_once("\n\n"));
    let rows = section.into_iter().flat_map(|(section, _)| section.lines());
    let expected = bargate::review::harmless_keys().into_iter().map(|(key, reason)| format!("| `{key}` | {reason} |"));
    assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn the_workflow_of_a_project_is_judged_by_the_base_branch() {
    let workflow = include_str!("../packages/create-bargate/files/.github/workflows/review.yml");
    let workflow: serde_json::Value = serde_saphyr::from_str(workflow).expect("YAML");
    let steps = workflow.pointer("/jobs/review/steps").and_then(|steps| steps.as_array()).expect("steps");
    let text = |step: &serde_json::Value, pointer: &str| {
        step.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let checkouts: Vec<_> = steps.iter().filter(|step| text(step, "/uses").starts_with("actions/checkout@")).collect();
    let places: Vec<_> = checkouts.iter().map(|step| (text(step, "/with/path"), text(step, "/with/ref"))).collect();
    let base = ("base".to_owned(), "${{ github.base_ref }}".to_owned());
    assert_eq!(places, [("change".to_owned(), String::new()), base], "each beside the other, and nothing around them");
    let runs: Vec<_> = steps.iter().filter(|step| step.get("run").is_some()).collect();
    let (install, others) = runs.split_first().expect("steps that run");
    assert_eq!(text(install, "/working-directory"), "", "where no file of the change is a setting of npm");
    assert!(text(install, "/run").contains("./base/package.json"), "the version that the base branch has");
    assert!(!text(install, "/run").contains("change"), "nothing of the change");
    assert!(text(install, "/run").contains("--ignore-scripts"), "nothing is run by the installation");
    assert!(!others.is_empty());
    for step in others {
        let commands = ["npx", "npm", "node", "wrangler"];
        let run = text(step, "/run");
        assert!(!run.split_whitespace().any(|word| commands.contains(&word)), "nothing of the change is run: {run}");
    }
    let compared = "base/gateway.config.json change/gateway.config.json";
    assert!(others.iter().any(|step| text(step, "/run").contains(compared)));
}
