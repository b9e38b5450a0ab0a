//! A company whose files are not all well: lines that cannot be read, keys that come twice, memberships of nobody. And
//! the same a month later.

use std::collections::HashSet;

use hawser_tests::people::People;

pub(super) const ACCOUNTS: usize = 4_000;
const GROUPS: usize = 12;

/// The company as it is first read.
pub(super) fn founded() -> People {
    let people = People::new(ACCOUNTS, GROUPS);
    spoil(&people);
    people
}

/// What a month changes: a seventh of the accounts, a few of them gone, some new, and who is in which group.
pub(super) fn grow(people: &People) {
    let accounts: String = clean(&people.read("accounts.csv")).enumerate().filter(|(n, _)| n % 50 != 3).fold(
        String::new(),
        |text, (n, line)| {
            text + &(if n % 7 == 0 { line.replace(",Engineer ", ",Director ") } else { line.to_owned() }) + "\n"
        },
    );
    let hired = (1..=200).map(|n| format!("h{n},hired.{n},New,Hire,,Sales,Trainee,u1,true,{n},,\n"));
    people.write("accounts.csv", &(accounts + &hired.collect::<String>()));
    let memberships = clean(&people.read("memberships.csv"))
        .enumerate()
        .filter(|(n, _)| n % 9 != 2)
        .fold(String::new(), |text, (n, line)| {
            text + &(if n % 11 == 4 { line.replacen('g', "g1", 1) } else { line.to_owned() }) + "\n"
        });
    let joined = (1..=200).map(|n| format!("g{},h{n}\n", n % GROUPS + 1));
    people.write("memberships.csv", &(memberships + &joined.collect::<String>()));
    spoil(people);
}

/// The accounts' keys in the order of the file, each once, without those of lines that cannot be read.
pub(super) fn order(people: &People) -> Vec<String> {
    let mut seen = HashSet::new();
    let text = people.read("accounts.csv");
    let keys =
        text.lines().skip(1).filter(|line| !line.starts_with("broken")).filter_map(|line| line.split(',').next());
    keys.filter(|key| seen.insert((*key).to_owned())).map(str::to_owned).collect()
}

/// Without what [`spoil`] put in.
fn clean(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("broken") && !line.contains(",twice"))
}

/// After every 97th account a line with too few cells, and after every 131st the one before it once more under another
/// name; likewise with memberships, of which some are of nobody.
fn spoil(people: &People) {
    let mut accounts = String::new();
    for (n, line) in people.read("accounts.csv").lines().enumerate() {
        accounts += &format!("{line}\n");
        if n % 97 == 96 {
            accounts += &format!("broken{n},line\n");
        }
        if n % 131 == 130 {
            let key = line.split(',').next().unwrap_or_default();
            accounts += &format!("{key},twice.{n},Second,Line,,Sales,Twin,,true,{n},,\n");
        }
    }
    people.write("accounts.csv", &accounts);
    let mut memberships = String::new();
    for (n, line) in people.read("memberships.csv").lines().enumerate() {
        memberships += &format!("{line}\n");
        match n % 113 {
            37 => memberships += &format!("broken{n}\n"),
            59 => memberships += &format!("{line}\n"),
            83 => memberships += &format!("g{n},u1\n"),
            _ => {}
        }
    }
    people.write("memberships.csv", &memberships);
}
