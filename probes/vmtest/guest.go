// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const qemu = "qemu-system-x86_64"

// GuestMB is the memory of a guest, in MiB.
const GuestMB = 512

// Ended is how one binary ended in a guest.
type Ended struct {
	Package string
	Code    int
	Took    time.Duration
	Log     string
}

// Outcome is what came of a guest. Err is set when it did not come to its end.
type Outcome struct {
	Image   Image
	Runs    []Ended
	Boot    time.Duration // until init reported for the first time
	Took    time.Duration
	CPU     time.Duration // of the host
	Console string
	Err     error
}

// Boot runs a suite on a kernel. built is Build's folder; console and logs stay in logs, each in a file of its own.
func Boot(ctx context.Context, img Image, root, built, logs string, suite []Binary) Outcome {
	o := Outcome{Image: img}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		o.Err = fmt.Errorf("make folder for logs: %w", err)
		return o
	}
	ramfs := filepath.Join(built, "initramfs-"+img.Suite)
	if o.Err = initramfs(ramfs, img, root, built, suite); o.Err != nil {
		return o
	}
	defer os.Remove(ramfs)
	console := filepath.Join(logs, "console")
	cmd := exec.CommandContext(ctx, qemu, img.arguments(ramfs, console)...)
	// A guest ends with the tests, also when those are killed. The signal comes when the thread that started it ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.Err = err
		return o
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		o.Err = fmt.Errorf("start guest: %w: install the packages that make tools lists", err)
		return o
	}
	done, err := o.listen(out, begin)
	werr := cmd.Wait()
	o.Took = time.Since(begin)
	o.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	switch {
	case err != nil:
		o.Err = fmt.Errorf("read what the guest reports: %w", err)
	case ctx.Err() != nil:
		o.Err = fmt.Errorf("guest did not end within its time: %w", context.Cause(ctx))
	case werr != nil:
		o.Err = fmt.Errorf("run guest: %w: %s", werr, said.String())
	case !done:
		o.Err = errors.New("the guest ended before its script did")
	}
	text, _ := os.ReadFile(console) // none when QEMU did not start: the error says so
	o.Console = string(text)
	for _, r := range o.Runs {
		if err := os.WriteFile(filepath.Join(logs, strings.ReplaceAll(r.Package, "/", "-")+".log"), []byte(r.Log), 0o644); err != nil && o.Err == nil {
			o.Err = fmt.Errorf("keep log: %w", err)
		}
	}
	return o
}

// arguments of QEMU. Emulated CPUs share one thread: with several, QEMU 7.2 corrupts guests. Expedited RCU makes a detach
// three times faster.
func (img Image) arguments(ramfs, console string) []string {
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35",
		"-accel", "tcg,thread=single", "-cpu", img.cpu(), "-smp", "2", "-m", fmt.Sprint(GuestMB),
		"-kernel", img.Vmlinuz, "-initrd", ramfs,
		"-append", "console=" + ConsolePort + " quiet loglevel=4 panic=-1 rdinit=/init mitigations=off nokaslr no_timer_check tsc=reliable " +
			"random.trust_cpu=on nomodeset rcupdate.rcu_expedited=1",
		"-chardev", "file,id=console,path=" + console, "-serial", "chardev:console",
		"-chardev", "stdio,id=report,signal=off", "-serial", "chardev:report",
	}
}

// listen takes the report apart, and says whether init came to its end. What comes before the first run and after the last is nobody's
// log and goes with the run beside it.
func (o *Outcome) listen(report io.Reader, begin time.Time) (done bool, err error) {
	var log strings.Builder
	lines := bufio.NewReader(report)
	for {
		line, err := lines.ReadString('\n')
		mark, ours := strings.CutPrefix(strings.TrimRight(line, "\r\n"), Mark)
		switch word, rest, _ := strings.Cut(mark, " "); {
		case !ours:
			log.WriteString(line)
		case word == "begin":
			if len(o.Runs) == 0 {
				o.Boot = time.Since(begin)
			}
			log.Reset()
			o.Runs = append(o.Runs, Ended{Package: rest, Code: -1})
		case word == "end" && len(o.Runs) > 0:
			o.Runs[len(o.Runs)-1].end(rest)
		case word == "done":
			done = true
		}
		if len(o.Runs) > 0 {
			o.Runs[len(o.Runs)-1].Log = log.String()
		}
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

func (r *Ended) end(fields string) {
	var name string
	var ms int64
	if _, err := fmt.Sscan(fields, &name, &r.Code, &ms); err == nil && name == r.Package {
		r.Took = time.Duration(ms) * time.Millisecond
	}
}
