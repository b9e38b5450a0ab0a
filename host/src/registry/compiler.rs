//! Compiling in a process of its own: what is slow, hungry or breaks the compiler costs one refused release.
//!
//! The child is this very program (`hawser compile`); it gets the component on its standard input and nothing else: no
//! environment, no folder, no file. It confines itself ([`super::confine()`]); the parent adds what a process cannot do
//! to itself: it looks at the clock, and it believes no more bytes than it asked for.

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::limits::{CODE_BYTES_MAX, COMPLAINT_BYTES_MAX};
use crate::config::CompileConfig;
use crate::model::text::shown;
use crate::model::{Error, ErrorKind, Result};
use crate::runtime::Code;

/// How the child says that the component is at fault: the exit code of every command that failed.
const AT_FAULT: i32 = 1;
/// How it says that it could not begin, e.g. because the system does not let it confine itself: "unavailable".
const UNABLE: i32 = 6;

/// Starts the compiling process, one at a time.
pub(super) struct Compiler {
    config: CompileConfig,
    turn: Mutex<()>,
}

impl Compiler {
    pub(super) fn new(config: CompileConfig) -> Self {
        Self { config, turn: Mutex::default() }
    }

    /// Compiles a component.
    ///
    /// # Errors
    /// `release-refused` if it is none, or takes more time or memory than the configuration allows; `internal` if the
    /// process cannot be started or confined.
    pub(super) async fn compile(&self, component: &[u8]) -> Result<Code> {
        let _turn = self.turn.lock().await;
        let mut child = self.start()?;
        let Ok(ended) = tokio::time::timeout(self.config.time, talk(&mut child, component)).await else {
            child.kill().await.map_err(broken)?;
            return Err(refused(format!("compiling it took longer than {:?} (`compile.time-ms`)", self.config.time)));
        };
        let ended = ended.map_err(broken)?;
        self.judge(ended)
    }

    fn start(&self) -> Result<Child> {
        let (memory, cpu) = (self.config.memory_bytes, self.config.cpu.as_millis());
        let mut command = Command::new(&self.config.program);
        command.arg("compile").arg("--memory-bytes").arg(memory.to_string()).arg("--cpu-ms").arg(cpu.to_string());
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|why| {
            Error::internal(format!("the compiling process {} does not start: {why}", self.config.program.display()))
        })
    }

    fn judge(&self, ended: Ended) -> Result<Code> {
        let Ended { status, code, complaint } = ended;
        if code.len() > CODE_BYTES_MAX {
            return Err(refused(format!("its code has more than {CODE_BYTES_MAX} bytes")));
        }
        if status.success() && !code.is_empty() {
            return Ok(Code::of_this_host(code));
        }
        let complaint = String::from_utf8_lossy(&complaint);
        let complaint = shown(complaint.trim().trim_start_matches("hawser: "), COMPLAINT_BYTES_MAX);
        Err(match status.code() {
            Some(AT_FAULT) => refused(complaint),
            Some(UNABLE) => Error::internal(complaint),
            _ => refused(self.cut_short(status)).with_detail(format!("{status}: {complaint}")),
        })
    }

    /// A process that did not end by itself ran into one of its limits, or broke.
    fn cut_short(&self, status: ExitStatus) -> String {
        let CompileConfig { memory_bytes, cpu, .. } = &self.config;
        format!(
            "compiling it broke off ({status}): it takes more than {cpu:?} of processor time (`compile.cpu-ms`), more than \
             {} MiB of memory (`compile.memory-mib`), or breaks the compiler",
            memory_bytes >> 20
        )
    }
}

/// What a child left.
struct Ended {
    status: ExitStatus,
    /// At most one byte more than allowed.
    code: Vec<u8>,
    complaint: Vec<u8>,
}

async fn talk(child: &mut Child, component: &[u8]) -> std::io::Result<Ended> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let tell = async {
        // A child that ends before it has read everything says why in another way.
        let Some(mut stdin) = stdin else { return };
        let _hung_up = stdin.write_all(component).await;
    };
    let ((), code, complaint) =
        tokio::join!(tell, bounded(stdout, CODE_BYTES_MAX + 1), bounded(stderr, COMPLAINT_BYTES_MAX));
    Ok(Ended { code: code?, complaint: complaint?, status: child.wait().await? })
}

/// The beginning of what somebody says; then the pipe is closed, and he fails or ends.
async fn bounded(from: Option<impl AsyncRead + Unpin>, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most as u64).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(why: std::io::Error) -> Error {
    Error::internal(format!("the compiling process cannot be talked to: {why}"))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::ReleaseRefused, why)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::registry::testing;

    fn compiler(folder: &Path, script: &str) -> Compiler {
        let program = testing::script(folder, script);
        Compiler::new(CompileConfig {
            program,
            time: Duration::from_secs(5),
            ..crate::config::Config::default().compile
        })
    }

    async fn told(script: &str) -> Error {
        let folder = tempfile::tempdir().unwrap();
        compiler(folder.path(), script).compile(b"component").await.err().expect("it is refused")
    }

    #[tokio::test]
    async fn what_the_child_says_is_bounded_and_cannot_steer_a_terminal() {
        let error = told("printf 'bad \\033[2Jthing' >&2; exit 1").await;
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::ReleaseRefused, "bad \u{fffd}[2Jthing"));
        let error = told("while :; do echo a long complaint >&2 || exit 1; done").await;
        assert!(error.message.len() <= COMPLAINT_BYTES_MAX, "{error}");
    }

    #[tokio::test]
    async fn a_child_that_hangs_is_killed_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut compiler = compiler(folder.path(), "echo $$ > \"$(dirname \"$0\")/pid\"; exec sleep 600");
        compiler.config.time = Duration::from_millis(300);
        let error = compiler.compile(b"component").await.err().unwrap();
        assert!(error.message.contains("compile.time-ms"), "{error}");
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists(), "it still runs");
    }

    #[tokio::test]
    async fn a_child_that_breaks_is_no_code_whatever_it_said_before() {
        for script in ["printf code; kill -ABRT $$", "printf code; exit 101", "exit 0"] {
            let error = told(script).await;
            assert_eq!(error.kind, ErrorKind::ReleaseRefused, "{script}: {error}");
            assert!(error.message.contains("compile.memory-mib"), "{script}: {error}");
        }
    }

    #[tokio::test]
    async fn a_child_finds_an_empty_environment_and_no_folder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let code = compiler(folder.path(), "cat >/dev/null; pwd; tr '\\0' '\\n' < /proc/$$/environ");
        let code = code.compile(b"component").await.unwrap();
        assert_eq!(String::from_utf8_lossy(code.bytes()), "/\n");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_the_hosts_fault() {
        let config = CompileConfig { program: "/no/such/program".into(), ..crate::config::Config::default().compile };
        let error = Compiler::new(config).compile(b"component").await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Internal);
    }

    #[tokio::test]
    async fn a_component_is_compiled_and_garbage_is_refused_in_the_compilers_words() {
        let folder = tempfile::tempdir().unwrap();
        let compiler = Compiler::new(testing::compile_config(folder.path()));
        let component = wat::parse_str("(component (core module (func)))").unwrap();
        let code = compiler.compile(&component).await.unwrap();
        assert_eq!(code.bytes(), crate::runtime::precompile(&component).unwrap());
    }
}
