//! How a process that compiles foreign WebAssembly confines itself, before it reads a byte of it.
//!
//! A compiler is a large program, and its input is hostile. What breaks it, or breaks out of it, finds a process without
//! keys (its environment was cleared by the parent), that can open no file, reach no network, start no program, and has
//! an end to its memory and time. Limits are the kernel's (setrlimit(2)); the filter is seccomp(2)'s, for the whole
//! process and all its threads to come, and cannot be taken off again.
//!
//! Invariant: it fails closed. If any of it cannot be put in place, nothing is compiled.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::model::{Error, Result};

/// Open files of the process: its three pipes and as much again.
const FILES_MAX: u64 = 8;

/// What the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Processor time of all its threads together; rounded up to whole seconds.
    pub cpu: Duration,
}

/// Confines this process for good.
///
/// # Errors
/// `internal` if the system does not let it: then the caller must not go on.
pub fn confine(limits: Confinement) -> Result<()> {
    let cpu_seconds = limits.cpu.as_millis().div_ceil(1000);
    bound(Resource::As, limits.memory_bytes)?;
    bound(Resource::Cpu, u64::try_from(cpu_seconds).unwrap_or(u64::MAX))?;
    bound(Resource::Core, 0)?;
    bound(Resource::Fsize, 0)?;
    bound(Resource::Nofile, FILES_MAX)?;
    #[cfg(target_os = "linux")]
    filter::install(seccompiler::apply_filter_all_threads)?;
    Ok(())
}

fn bound(resource: Resource, most: u64) -> Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(resource, limit).map_err(|why| unconfined(format!("{resource:?}: {why}")))
}

fn unconfined(why: impl std::fmt::Display) -> Error {
    Error::internal(format!("the compiling process cannot be confined, so it does not compile: {why}"))
}

#[cfg(target_os = "linux")]
mod filter {
    //! The system calls a compiler has no use for. Those refused answer EPERM, and the program goes on.

    use std::collections::BTreeMap;

    use libc::{EPERM, c_long};
    use seccompiler::{
        BpfProgram, BpfProgramRef, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    use super::unconfined;
    use crate::model::Result;

    /// Refused whatever their arguments.
    const REFUSED: &[c_long] = &[
        // Files: by name, by handle, by watching.
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_memfd_create,
        libc::SYS_mknodat,
        libc::SYS_mkdirat,
        libc::SYS_unlinkat,
        libc::SYS_renameat,
        libc::SYS_renameat2,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_readlinkat,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_truncate,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        libc::SYS_inotify_init1,
        libc::SYS_fanotify_init,
        // The network, and every other socket.
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_recvmmsg,
        // Other programs and processes.
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_prlimit64,
        libc::SYS_shmget,
        libc::SYS_msgget,
        libc::SYS_mq_open,
        // The kernel's back doors.
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_io_setup,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
        // The system itself.
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_fsopen,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_chroot,
        libc::SYS_chdir,
        libc::SYS_fchdir,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_reboot,
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setresuid,
        libc::SYS_setresgid,
        libc::SYS_setgroups,
        libc::SYS_capset,
    ];

    /// The older spellings that only this processor's kernel has.
    #[cfg(target_arch = "x86_64")]
    const REFUSED_OLD: &[c_long] = &[
        libc::SYS_open,
        libc::SYS_creat,
        libc::SYS_mknod,
        libc::SYS_mkdir,
        libc::SYS_rmdir,
        libc::SYS_unlink,
        libc::SYS_rename,
        libc::SYS_link,
        libc::SYS_symlink,
        libc::SYS_readlink,
        libc::SYS_chmod,
        libc::SYS_chown,
        libc::SYS_lchown,
        libc::SYS_inotify_init,
        libc::SYS_fork,
        libc::SYS_vfork,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const REFUSED_OLD: &[c_long] = &[];

    /// Compiles both filters and hands each to `apply`.
    pub(super) fn install(apply: fn(BpfProgramRef<'_>) -> seccompiler::Result<()>) -> Result<()> {
        for program in [without_processes(), without_clone3()] {
            apply(&program.map_err(unconfined)?).map_err(unconfined)?;
        }
        Ok(())
    }

    /// Everything above, and `clone` unless it makes a thread: the time of another process would not count here.
    fn without_processes() -> Result<BpfProgram, seccompiler::BackendError> {
        let thread = SeccompCmpOp::MaskedEq(u64::from(libc::CLONE_THREAD.unsigned_abs()));
        let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, thread, 0)?;
        let refused = REFUSED.iter().chain(REFUSED_OLD).map(|call| (*call, Vec::new()));
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = refused.collect();
        rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
        program(rules, EPERM)
    }

    /// `clone3` hides its flags in memory, where no filter sees them; told that there is none, libc takes `clone`.
    fn without_clone3() -> Result<BpfProgram, seccompiler::BackendError> {
        program(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
    }

    fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
        let refuse = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
        filter.try_into()
    }

    #[cfg(test)]
    mod tests {
        use std::fs::File;
        use std::io::ErrorKind;
        use std::net::{TcpListener, UdpSocket};
        use std::process::Command;

        use super::*;

        /// On one thread, because a filter cannot be taken off again.
        fn filtered<T: Send + 'static>(work: fn() -> T) -> T {
            let confined = move || {
                install(seccompiler::apply_filter).unwrap();
                work()
            };
            std::thread::spawn(confined).join().unwrap()
        }

        fn refused<T>(what: &str, result: std::io::Result<T>) {
            let why = result.err().unwrap_or_else(|| panic!("{what} was allowed"));
            assert_eq!(why.kind(), ErrorKind::PermissionDenied, "{what}: {why}");
        }

        #[test]
        fn inside_the_filter_there_is_no_file_no_network_and_no_other_program() {
            File::open("/dev/null").unwrap();
            filtered(|| {
                refused("a file", File::open("/dev/null"));
                refused("a new file", File::create("/dev/null"));
                refused("a listener", TcpListener::bind("127.0.0.1:0"));
                refused("a datagram", UdpSocket::bind("127.0.0.1:0"));
                refused("a folder", std::fs::create_dir("/nowhere"));
                refused("removing", std::fs::remove_file("/nowhere"));
                refused("a program", Command::new("/bin/true").status());
            });
        }

        #[test]
        fn inside_the_filter_threads_start_and_components_compile() {
            let code = filtered(|| {
                std::thread::spawn(|| ()).join().unwrap();
                crate::runtime::precompile(&wat::parse_str("(component (core module (func)))").unwrap())
            });
            assert!(!code.unwrap().is_empty());
        }
    }
}
