//! The invented company of the demo: people, groups and memberships, the same on every run and every machine.
//!
//! Nothing is drawn at random: a person follows from a number, so that the story can say beforehand what an import must
//! find. Names are those of many countries, spelled with their own letters; addresses and numbers are from the ranges
//! kept for fiction (example.com, +44 1632 960xxx).

use std::path::Path;

/// Columns of `accounts.csv`.
pub(super) const ACCOUNT_COLUMNS: [&str; 12] = [
    "id",
    "userName",
    "givenName",
    "familyName",
    "email",
    "department",
    "title",
    "manager",
    "active",
    "employeeNumber",
    "phone",
    "passwordHash",
];

/// People who report to one.
const REPORTS: u64 = 8;
/// One of so many people is on leave, and the account disabled.
const AWAY: u64 = 40;
/// Groups of a department.
const KINDS: u64 = 10;
/// Larger than any number of names, without a common factor with it: scatters neighbours over the names.
const SCATTER: u64 = 7919;

/// Somebody who works there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) user_name: String,
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) department: &'static str,
    pub(super) title: &'static str,
    manager: String,
    pub(super) employee_number: u64,
    pub(super) phone: String,
    pub(super) active: bool,
}

/// The company: so many people, and the groups of its departments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Company {
    pub(super) people: u64,
}

impl Company {
    /// The groups there are: ten for each department.
    pub(super) fn groups(self) -> u64 {
        count(&DEPARTMENTS) * KINDS
    }

    /// The memberships there are.
    pub(super) fn memberships(self) -> u64 {
        self.people * count(&groups_of(0))
    }

    /// Writes the three files, as another system would export them.
    pub(super) fn write(self, folder: &Path) -> csv::Result<()> {
        let mut accounts = csv::Writer::from_path(folder.join("accounts.csv"))?;
        let mut memberships = csv::Writer::from_path(folder.join("memberships.csv"))?;
        accounts.write_record(ACCOUNT_COLUMNS)?;
        memberships.write_record(["group", "account"])?;
        for index in 0..self.people {
            let person = Person::new(index);
            accounts.write_record(person.row())?;
            for group in groups_of(index) {
                memberships.write_record([&group_id(group), &person.id])?;
            }
        }
        self.write_groups(folder)?;
        accounts.flush()?;
        Ok(memberships.flush()?)
    }

    fn write_groups(self, folder: &Path) -> csv::Result<()> {
        let mut groups = csv::Writer::from_path(folder.join("groups.csv"))?;
        groups.write_record(["id", "name", "description"])?;
        for index in 0..self.groups() {
            groups.write_record([group_id(index), group_name(index), group_description(index)])?;
        }
        Ok(groups.flush()?)
    }
}

impl Person {
    /// The person of that number.
    pub(super) fn new(index: u64) -> Self {
        let names = count(&GIVEN) * count(&FAMILY);
        let scattered = (index * SCATTER) % names;
        let given = pick(&GIVEN, scattered % count(&GIVEN));
        let family = pick(&FAMILY, scattered / count(&GIVEN));
        let again = index / names;
        let number = if again == 0 { String::new() } else { (again + 1).to_string() };
        let (department, titles) = pick(&DEPARTMENTS, index % count(&DEPARTMENTS));
        Self {
            id: person_id(index),
            user_name: format!("{}.{}{number}", plain(given), plain(family)),
            given,
            family,
            department,
            title: pick(titles, index / count(&DEPARTMENTS)),
            manager: index.checked_sub(1).map(|before| person_id(before / REPORTS)).unwrap_or_default(),
            employee_number: 100_000 + index,
            phone: format!("+44 1632 960{:03}", index % 1000),
            active: index % AWAY != AWAY - 1,
        }
    }

    pub(super) fn mail(&self) -> String {
        format!("{}@example.com", self.user_name)
    }

    fn row(&self) -> [String; 12] {
        [
            self.id.clone(),
            self.user_name.clone(),
            self.given.to_owned(),
            self.family.to_owned(),
            self.mail(),
            self.department.to_owned(),
            self.title.to_owned(),
            self.manager.clone(),
            self.active.to_string(),
            self.employee_number.to_string(),
            self.phone.clone(),
            String::new(),
        ]
    }
}

/// The groups of the person of that number: everybody of the department, and two more of it.
pub(super) fn groups_of(person: u64) -> [u64; 3] {
    let department = (person % count(&DEPARTMENTS)) * KINDS;
    let others = KINDS - 1;
    let first = (person * 7) % others;
    let second = (first + 1 + person % (others - 1)) % others;
    [department, department + 1 + first, department + 1 + second]
}

/// The key of the group of that number.
pub(super) fn group_id(index: u64) -> String {
    format!("g{:03}", index + 1)
}

/// What people call it.
pub(super) fn group_name(index: u64) -> String {
    let (department, kind) = group_of(index);
    format!("{department} / {kind}")
}

pub(super) fn group_description(index: u64) -> String {
    let (department, kind) = group_of(index);
    format!("{kind} of {department}")
}

/// Its department, and which of the department's it is.
fn group_of(index: u64) -> (&'static str, &'static str) {
    (pick(&DEPARTMENTS, index / KINDS).0, pick(&GROUP_KINDS, index % KINDS))
}

/// The group everybody of a department is in.
pub(super) fn everybody_of(department: &str) -> Option<u64> {
    let index = DEPARTMENTS.iter().position(|(name, _)| *name == department)?;
    u64::try_from(index).ok().map(|index| index * KINDS)
}

fn person_id(index: u64) -> String {
    format!("u{:06}", index + 1)
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// The item of that number, beginning again after the last.
fn pick<T: Copy + Default>(items: &[T], index: u64) -> T {
    let index = usize::try_from(index % count(items).max(1)).unwrap_or_default();
    items.get(index).copied().unwrap_or_default()
}

/// A name in the letters of a mail address.
fn plain(name: &str) -> String {
    let letter = |char: char| match char {
        'á' | 'ã' | 'å' => "a",
        'ä' => "ae",
        'ç' | 'ć' => "c",
        'é' | 'è' | 'ë' => "e",
        'í' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' => "n",
        'ó' => "o",
        'ö' | 'ø' => "oe",
        'ř' => "r",
        'ş' | 'š' => "s",
        'ú' => "u",
        'ü' => "ue",
        'ž' => "z",
        _ => "",
    };
    let mut plain = String::with_capacity(name.len());
    for char in name.to_lowercase().chars() {
        if char.is_ascii_alphabetic() { plain.push(char) } else { plain.push_str(letter(char)) }
    }
    plain
}

type Department = (&'static str, &'static [&'static str]);

const DEPARTMENTS: [Department; 20] = [
    ("Engineering", &["Software Engineer", "Senior Software Engineer", "Test Engineer", "Engineering Manager"]),
    ("Sales", &["Account Executive", "Sales Representative", "Regional Sales Manager"]),
    ("Customer Support", &["Support Agent", "Senior Support Agent", "Team Lead"]),
    ("Finance", &["Accountant", "Financial Analyst", "Controller"]),
    ("Human Resources", &["HR Business Partner", "Recruiter", "Payroll Specialist"]),
    ("Legal", &["Counsel", "Paralegal", "Contract Manager"]),
    ("Marketing", &["Marketing Manager", "Content Editor", "Campaign Analyst"]),
    ("Information Technology", &["System Administrator", "Network Engineer", "Service Desk Agent"]),
    ("Information Security", &["Security Analyst", "Identity Engineer", "Incident Responder"]),
    ("Procurement", &["Buyer", "Senior Buyer", "Supplier Manager"]),
    ("Logistics", &["Dispatcher", "Warehouse Associate", "Logistics Planner"]),
    ("Manufacturing", &["Machine Operator", "Process Engineer", "Shift Supervisor"]),
    ("Quality", &["Quality Inspector", "Quality Engineer", "Auditor"]),
    ("Research", &["Scientist", "Laboratory Technician", "Principal Scientist"]),
    ("Product", &["Product Manager", "Product Designer", "User Researcher"]),
    ("Data", &["Data Analyst", "Data Engineer", "Statistician"]),
    ("Facilities", &["Facility Manager", "Electrician", "Receptionist"]),
    ("Corporate Communications", &["Press Officer", "Internal Communications Manager", "Translator"]),
    ("Treasury", &["Treasury Analyst", "Cash Manager", "Risk Analyst"]),
    ("Field Service", &["Service Technician", "Field Engineer", "Service Coordinator"]),
];

const GROUP_KINDS: [&str; 10] = [
    "Everybody",
    "Managers",
    "VPN",
    "Mailing list",
    "Shared drive (read)",
    "Shared drive (write)",
    "Wiki editors",
    "Ticketing",
    "On call",
    "Expenses",
];

#[rustfmt::skip]
const GIVEN: [&str; 100] = [
    "Ada", "Adam", "Aisha", "Alan", "Alejandro", "Amara", "Amélie", "Ana", "Andrei", "Anika",
    "Anna", "Antoine", "Arjun", "Astrid", "Ayşe", "Barbara", "Beatriz", "Ben", "Bjørn", "Camille",
    "Carlos", "Carmen", "Catherine", "Chen", "Chiara", "Chloé", "Claire", "Daniel", "David", "Deepa",
    "Diego", "Dmitri", "Edith", "Elena", "Eliška", "Elsa", "Emeka", "Emma", "Erik", "Esther",
    "Fatima", "Femke", "Fiona", "François", "Frida", "Gabriel", "Grace", "Greta", "Hana", "Hannah",
    "Hassan", "Helen", "Hiroshi", "Ibrahim", "Ines", "Irina", "Isabel", "Ivan", "Jack", "James",
    "Jana", "Jens", "Jiří", "Joana", "João", "John", "Jonas", "José", "Julia", "Kaito",
    "Karin", "Katarzyna", "Kofi", "Lars", "Leila", "Lena", "Liam", "Linh", "Lucía", "Łukasz",
    "Magnus", "Malik", "Marek", "Maria", "Mateo", "Mei", "Mia", "Miguel", "Mohammed", "Nadia",
    "Ngozi", "Nikolai", "Nina", "Noah", "Nora", "Olivia", "Omar", "Oscar", "Priya", "Zoë",
];

#[rustfmt::skip]
const FAMILY: [&str; 100] = [
    "Abe", "Adeyemi", "Ahmed", "Alvarez", "Andersen", "Andersson", "Baker", "Bakker", "Bauer", "Becker",
    "Bernard", "Bianchi", "Brown", "Carter", "Castillo", "Chaudhary", "Chen", "Clarke", "Cohen", "Costa",
    "Cruz", "Da Silva", "Davies", "De Vries", "Diallo", "Díaz", "Dubois", "Eriksen", "Evans", "Farah",
    "Fernández", "Fischer", "Fontaine", "Fujita", "García", "Girard", "González", "Gupta", "Haddad", "Hansen",
    "Hassan", "Hoffmann", "Horvat", "Hughes", "Ibrahim", "Ito", "Ivanova", "Jansen", "Johansson", "Jones",
    "Kaya", "Keller", "Kelly", "Khan", "Kim", "Kimura", "Kowalski", "Kozłowski", "Kumar", "Larsen",
    "Laurent", "Lee", "Lindqvist", "López", "Martin", "Mbeki", "Mehta", "Meyer", "Moreau", "Moreno",
    "Müller", "Murphy", "Nakamura", "Nguyen", "Nielsen", "Novák", "Nowak", "O'Brien", "Okafor", "Okoye",
    "Owusu", "Park", "Patel", "Petrov", "Popescu", "Ramos", "Rossi", "Sato", "Schneider", "Schröder",
    "Sharma", "Singh", "Smith", "Tanaka", "Taylor", "Tran", "Van Dijk", "Weber", "Wójcik", "Yılmaz",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_shares_a_user_name_also_when_the_names_run_out() {
        let names: HashSet<String> = (0..25_000).map(|index| Person::new(index).user_name).collect();
        assert_eq!(names.len(), 25_000);
    }

    #[test]
    fn every_letter_of_a_name_finds_its_way_into_the_address() {
        for name in GIVEN.iter().chain(&FAMILY) {
            let letters = name.chars().filter(|char| char.is_alphabetic()).count();
            assert!(plain(name).len() >= letters, "{name} became {}", plain(name));
        }
        assert_eq!(plain("Schröder"), "schroeder");
    }

    #[test]
    fn a_person_is_in_three_groups_of_the_own_department() {
        for index in 0..2000 {
            let groups = groups_of(index);
            assert_eq!(groups.iter().collect::<HashSet<_>>().len(), 3, "{index}");
            let everybody = everybody_of(Person::new(index).department).unwrap();
            assert!(groups.iter().all(|group| group / KINDS == everybody / KINDS), "{index}");
            assert_eq!(groups[0], everybody);
        }
    }

    #[test]
    fn the_files_hold_what_the_company_says() {
        let (folder, company) = (tempfile::tempdir().unwrap(), Company { people: 300 });
        company.write(folder.path()).unwrap();
        let rows = |file| csv::Reader::from_path(folder.path().join(file)).unwrap().into_records().count();
        assert_eq!((rows("accounts.csv"), rows("groups.csv"), rows("memberships.csv")), (300, 200, 900));
        assert_eq!((company.groups(), company.memberships()), (200, 900));
    }

    #[test]
    fn everybody_but_the_first_has_a_manager_who_exists() {
        assert_eq!(Person::new(0).manager, "");
        for index in 1..500 {
            let manager = Person::new(index).manager;
            assert!((0..index).any(|before| person_id(before) == manager), "{index}");
        }
    }
}
