//! What `bargate init` asks at a terminal: a pseudo-terminal, at which the test sits.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long a question may take to come before the test gives up.
const PATIENCE: Duration = Duration::from_secs(600);

const DOWN: &str = "\u{1b}[B";
const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";

/// A command at a terminal, and what it has shown.
struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    /// How much of that was looked at.
    seen: usize,
}

impl Session {
    /// Starts `init` of a program in a folder.
    fn start(program: &str, folder: &PathBuf, arguments: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let same = |terminal: &File| OwnedFd::from(terminal.try_clone().unwrap());
        let child = Command::new(program)
            .arg("init")
            .args(arguments)
            .current_dir(folder)
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .stdin(same(&terminal))
            .stdout(same(&terminal))
            .stderr(same(&terminal))
            .spawn()
            .unwrap();
        let keyboard = File::from(controller);
        let mut output = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // The end of the terminal is an error on Linux.
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                if sender.send(chunk.iter().take(count).copied().collect()).is_err() {
                    break;
                }
            }
        });
        Self { child, keyboard, screen, shown: String::new(), seen: 0 }
    }

    /// Waits until a text is shown behind what was seen, and types.
    fn answer(&mut self, question: &str, keys: &str) {
        while self.shown.get(self.seen..).and_then(|rest| rest.find(question)).is_none() {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(chunk) => self.shown.push_str(&String::from_utf8_lossy(&chunk)),
                Err(error) => panic!("{question:?} is not asked ({error}); shown: {:?}", self.shown),
            }
        }
        self.seen += self.shown.get(self.seen..).and_then(|rest| rest.find(question)).unwrap() + question.len();
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end, and gives the exit status and all that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        while let Ok(chunk) = self.screen.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&chunk));
        }
        (status.code(), std::mem::take(&mut self.shown))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // If a question did not come, nobody ends it otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program for this machine.
const NATIVE: &str = env!("CARGO_BIN_EXE_bargate");

/// The program as the package has it.
const SHELL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/build/cli/bin.mjs");

/// Makes an empty folder for a test of a program.
fn folder(program: &str, name: &str) -> PathBuf {
    let kind = if program == SHELL { "shell" } else { "native" };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{kind}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_answer_is_asked_for_and_a_wrong_one_again() {
    ask_for_every_answer(NATIVE);
}

#[test]
#[ignore = "build/cli is made by scripts/test.mjs, which runs this then"]
fn in_the_package_every_answer_is_asked_for_and_a_wrong_one_again() {
    ask_for_every_answer(SHELL);
}

fn ask_for_every_answer(program: &str) {
    let folder = folder(program, "prompts-all");
    let mut session = Session::start(program, &folder, &["--dev-vars", "run.vars"]);
    session.answer("Where do people log in?", &format!("{DOWN}{ENTER}"));
    session.answer("The provider's issuer?", &format!("id.example.com{ENTER}"));
    session.answer("is not an absolute URL", &format!("{}https://id.example.com{ENTER}", "\u{7f}".repeat(14)));
    session.answer("(audience)?", &format!("orders{ENTER}"));
    session.answer("(upstream)?", &format!("https://upstream.example.com{ENTER}"));
    session.answer("Who holds the tokens of a login?", &format!("{DOWN}{ENTER}"));
    session.answer("The port of the gateway in local runs?", &format!("0{ENTER}"));
    session.answer("a number from 1 to 65535", &format!("\u{7f}8800{ENTER}"));
    let (status, shown) = session.end();
    assert_eq!(status, Some(0), "{shown:?}");
    let config = std::fs::read_to_string(folder.join("gateway.config.json")).unwrap();
    assert_eq!(bargate::review::review(&config), []);
    assert!(config.contains("oidc_refresh") && !config.contains("\"session\""), "the page holds its tokens: {config}");
    let lines = std::fs::read_to_string(folder.join("run.vars")).unwrap();
    for line in [
        "OIDC_ISSUER=https://id.example.com",
        "OIDC_AUDIENCE=orders",
        "API_URL=https://upstream.example.com",
        "SPA_ORIGIN=http://127.0.0.1:8800",
    ] {
        assert!(lines.lines().any(|other| other == line), "{line}: {lines}");
    }
}

#[test]
fn only_what_no_flag_says_is_asked_for() {
    ask_for_what_no_flag_says(NATIVE);
}

#[test]
#[ignore = "build/cli is made by scripts/test.mjs, which runs this then"]
fn in_the_package_only_what_no_flag_says_is_asked_for() {
    ask_for_what_no_flag_says(SHELL);
}

fn ask_for_what_no_flag_says(program: &str) {
    let folder = folder(program, "prompts-one");
    let flags =
        ["--tenant", "tenant.eu.auth0.com", "--audience", "orders", "--upstream", "https://upstream.example.com"];
    let mut session = Session::start(program, &folder, &flags);
    session.answer("Who holds the tokens of a login?", ENTER);
    session.answer("The port of the gateway in local runs?", ENTER);
    let (status, shown) = session.end();
    assert_eq!(status, Some(0), "{shown:?}");
    for question in ["Where do people log in?", "domain?", "(audience)?", "(upstream)?"] {
        assert!(!shown.contains(question), "{question}: {shown:?}");
    }
    let config = std::fs::read_to_string(folder.join("gateway.config.json")).unwrap();
    assert!(config.contains("auth0_logout"), "the first choice is the session: {config}");
}

#[test]
fn whoever_leaves_a_question_leaves_no_file() {
    leave_a_question(NATIVE);
}

#[test]
#[ignore = "build/cli is made by scripts/test.mjs, which runs this then"]
fn in_the_package_whoever_leaves_a_question_leaves_no_file() {
    leave_a_question(SHELL);
}

fn leave_a_question(program: &str) {
    for (name, keys) in [("escape", ESCAPE), ("ctrl-c", "\u{3}")] {
        let folder = folder(program, &format!("prompts-{name}"));
        let mut session = Session::start(program, &folder, &["--dev-vars"]);
        session.answer("Where do people log in?", ENTER);
        session.answer("The tenant's domain?", keys);
        let (status, shown) = session.end();
        assert_eq!(status, Some(2), "{name}: {shown:?}");
        assert!(shown.contains("a question was not answered; nothing is written"), "{name}: {shown:?}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{name}: the folder is empty");
    }
}
