//! The guides held against the command line: no page shows a command, an argument or an option that does not exist.
//!
//! What stands alone on a line of code has to be a whole command; what is named inside a sentence may leave out what has to
//! be given, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use super::Cli;

/// Fewer commands than that in all guides together: they are not found any more.
const COMMANDS_MIN: usize = 150;

/// A command that a guide shows.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    text: String,
    /// It stands alone on a line of code.
    whole: bool,
}

/// The README and all pages below `docs`.
fn guides() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut guides, mut folders) = (vec![root.join("README.md")], vec![root.join("docs")]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                guides.push(path);
            }
        }
    }
    guides
}

fn commands(page: &str) -> Vec<Shown> {
    let (mut shown, mut prose, mut fenced) = (Vec::new(), String::new(), false);
    let page = page.replace("\\\n", " ");
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let line = line.trim_start();
            let line = line.strip_prefix("$ ").unwrap_or(line);
            // Brackets: what may be given and not a command.
            if line.starts_with("hawser ") && !line.contains('[') {
                shown.push(Shown { text: line.to_owned(), whole: true });
            }
        } else if line.trim().is_empty() {
            shown.extend(named(&std::mem::take(&mut prose)));
        } else {
            prose = prose + line + " ";
        }
    }
    shown.extend(named(&prose));
    shown
}

/// The commands between back quotes in a paragraph.
fn named(paragraph: &str) -> Vec<Shown> {
    let code = paragraph.split('`').skip(1).step_by(2).filter(|code| code.starts_with("hawser "));
    code.map(|code| Shown { text: code.to_owned(), whole: false }).collect()
}

/// Why a command is none.
fn refused(shown: &Shown) -> Option<String> {
    let words = words(&shown.text);
    if words.get(1).is_some_and(|word| word.chars().all(|char| char.is_ascii_uppercase())) {
        return None;
    }
    let error = Cli::try_parse_from(words).err()?;
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => !shown.whole,
        _ => false,
    };
    (!fine).then(|| format!("{}: {error}", shown.text))
}

/// Words of a line as a shell splits them, up to where another command or a comment begins.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for char in line.trim().chars().chain([' ']) {
        match (quote, char) {
            (Some(open), _) if open == char => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, '|' | '&' | ';' | '<' | '>') => break,
            (None, '#') if word.is_empty() => break,
            (None, ' ') if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (None, ' ') => {}
            _ => word.push(char),
        }
    }
    words
}

#[test]
fn every_command_of_every_guide_is_one() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for guide in guides() {
        let shown = commands(&fs::read_to_string(&guide).unwrap());
        count += shown.len();
        let of_guide = |refused: String| format!("{}: {refused}", guide.display());
        wrong.extend(shown.iter().filter_map(refused).map(of_guide));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > COMMANDS_MIN, "{count}");
}

#[test]
fn commands_are_found_wherever_a_page_has_them() {
    let page = "Say `hawser import\nrun hr`, or:\n\n```sh\n$ hawser table \\\n  list hr # all\nhawser serve [--x]\n```\n\n    hawser keygen\n";
    let texts: Vec<(String, bool)> = commands(page).into_iter().map(|shown| (shown.text, shown.whole)).collect();
    let expected = [("hawser import run hr", false), ("hawser table    list hr # all", true), ("hawser keygen", true)];
    assert_eq!(texts, expected.map(|(text, whole)| (text.to_owned(), whole)));
}

#[test]
fn what_is_no_command_or_not_all_of_one_is_refused() {
    let refused = |text: &str, whole| refused(&Shown { text: text.to_owned(), whole }).is_some();
    for text in ["hawser import hr --wait", "hawser tables list hr", "hawser apply -f x --dry"] {
        assert!(refused(text, true) && refused(text, false), "{text}");
    }
    assert!(refused("hawser import run", true) && !refused("hawser import run", false));
    assert!(!refused("hawser import run hr --wait || test $? = 5", true));
    assert!(!refused("hawser COMMAND --help", false) && !refused("hawser apply --help", true));
}
