//! What the child takes from itself before it looks at anything untrusted.

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use sluice_sandbox::protocol::Limits;

/// System calls (of `x86_64`) that no reading of a document needs: sockets, other programs, other processes, what loads code into
/// the kernel or changes the machine. Numbers from the kernel's `arch/x86/entry/syscalls/syscall_64.tbl`.
const FORBIDDEN: [i64; 34] = [
    41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 288, 299,
    307, // socket … bind, listen, socketpair, accept4, recvmmsg, sendmmsg
    57, 58, 59, 322, // fork, vfork, execve, execveat
    62, 200, 234, // kill, tkill, tgkill
    101, 310, 311, // ptrace, process_vm_readv, process_vm_writev
    155, 161, 165, 166, 272, 308, // pivot_root, chroot, mount, umount2, unshare, setns
    175, 321, 246, 425, // init_module, bpf, kexec_load, io_uring_setup
    250, // keyctl
];

/// Sets the limits; they can't be raised again.
pub(crate) fn apply(limits: &Limits) -> Result<(), String> {
    let set = |resource, value| {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit).map_err(|error| format!("a limit can't be set: {error}"))
    };
    set(Resource::As, limits.memory_bytes)?;
    set(Resource::Cpu, limits.cpu_seconds)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    set(Resource::Nofile, 64)?;
    forbid_system_calls().map_err(|error| format!("the filter of system calls can't be set: {error}"))
}

fn forbid_system_calls() -> Result<(), seccompiler::Error> {
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        FORBIDDEN.into_iter().map(|number| (number, Vec::new())).collect();
    let not_permitted = SeccompAction::Errno(1);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, not_permitted, TargetArch::x86_64)?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)
}
