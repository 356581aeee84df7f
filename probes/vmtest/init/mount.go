// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hooktop/probes/vmtest"
)

// mounts are those of a systemd host, by type and place.
func mounts() [][2]string {
	return [][2]string{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"devpts", "/dev/pts"}, {"tmpfs", "/dev/shm"}, {"tmpfs", "/run"},
		{"tmpfs", "/tmp"}, {"cgroup2", "/sys/fs/cgroup"}, {"bpf", "/sys/fs/bpf"}, {"securityfs", "/sys/kernel/security"},
		{"debugfs", "/sys/kernel/debug"}, {"tracefs", "/sys/kernel/tracing"},
	}
}

func mount() error {
	for _, m := range mounts() {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return fmt.Errorf("make mount point: %w", err)
		}
		// The kernel mounts devtmpfs itself when it is built to.
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s on %s: %w", m[0], m[1], err)
		}
	}
	for _, dir := range []string{"/root", "/var/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Chmod("/tmp", 0o1777)
}

// openReport opens the serial line that the host reads, without the changes that a terminal makes to output.
func openReport() (*os.File, error) {
	f, err := os.OpenFile(vmtest.ReportPort, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	raw := unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200}
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("set up %s: %w", vmtest.ReportPort, err)
	}
	return f, nil
}

// drain waits until the line has sent everything (tcdrain).
func drain(f *os.File) error {
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1); err != nil {
		return fmt.Errorf("drain report: %w", err)
	}
	return nil
}
