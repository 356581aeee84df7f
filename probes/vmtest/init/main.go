// SPDX-License-Identifier: Apache-2.0

// Init is process 1 of a guest: it mounts what a Linux host has mounted, loads modules, runs the programs that its script
// names, one after another, says how each ended, and ends the guest.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/vmtest"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: this is the first process of a guest, not a command")
		os.Exit(1)
	}
	if err := guest(); err != nil {
		fmt.Println("init:", err) // the kernel's console
	}
	// With QEMU's -no-reboot a reset ends it. The kernel would panic if process 1 returned.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		fmt.Println("init: restart:", err)
	}
	select {}
}

func guest() error {
	if err := mount(); err != nil {
		return err
	}
	report, err := openReport()
	if err != nil {
		return err
	}
	script, err := read()
	if err == nil {
		err = errors.Join(fewDevices(), load(script.Modules), up("lo"))
	}
	if err != nil {
		fmt.Fprintln(report, "init:", err)
		return errors.Join(err, drain(report))
	}
	for _, r := range script.Runs {
		fmt.Fprintf(report, "%sbegin %s\n", vmtest.Mark, r.Name)
		begin := time.Now()
		code := run(r, report)
		fmt.Fprintf(report, "\n%send %s %d %d\n", vmtest.Mark, r.Name, code, time.Since(begin).Milliseconds())
	}
	fmt.Fprintf(report, "%sdone\n", vmtest.Mark)
	return drain(report)
}

// run gives the exit code, 128 for a signal or when the program did not start; the report then says why.
func run(r vmtest.Run, report io.Writer) int {
	cmd := exec.Command(r.Args[0], r.Args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.Dir, report, report
	cmd.Env = []string{"PATH=" + vmtest.GuestPath, "HOME=/root", "TMPDIR=/tmp", "HOOKTOP_ROUNDS=" + vmtest.Rounds, vmtest.GuestEnv + "=1"}
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return ended.ExitCode()
	}
	fmt.Fprintf(report, "\ninit: run %s: %v\n", r.Name, err)
	return 128
}

func read() (vmtest.Script, error) {
	var s vmtest.Script
	text, err := os.ReadFile(vmtest.ScriptPath)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read script: %w", err)
	}
	return s, nil
}

// load loads modules. One that is there already, because it is built in, is fine.
func load(paths []string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open module: %w", err)
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load module %s: %w", path, err)
		}
	}
	return nil
}

// fewDevices keeps modules of tunnels from making their devices in each namespace of a test: seven that nobody asked for.
func fewDevices() error {
	if err := os.WriteFile("/proc/sys/net/core/fb_tunnels_only_for_init_net", []byte("1"), 0); err != nil {
		return fmt.Errorf("keep tunnel devices to the first namespace: %w", err)
	}
	return nil
}

// up brings a device up.
func up(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, req)
	}
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}
