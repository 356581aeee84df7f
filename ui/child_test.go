// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/term"
	"hooktop/ui/uitest"
)

// childVar names the part that the test binary plays when it runs itself on a pseudo terminal.
const childVar = "HOOKTOP_TEST_CHILD"

func TestMain(m *testing.M) {
	switch s := os.Getenv(childVar); s {
	case "":
		os.Exit(m.Run())
	case "jobshell":
		jobShell(os.NewFile(3, "side"))
	default:
		childScreen(s, os.NewFile(3, "side"))
	}
}

// childScreen runs a screen on stdin and stdout and says on the side channel how it ended.
func childScreen(scenario string, side *os.File) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b := &fakeBackend{frames: make(chan *snap.Frame)}
	go func() {
		pace := time.NewTicker(100 * time.Millisecond) // of an engine
		for seq := uint64(1); ; seq++ {
			f := uitest.Frame(5)
			f.Seq, f.Notices = seq, nil
			f.Start, f.Started = []snap.Status{{Name: "pipeline", Outcome: snap.Attached}}, scenario != "attaching"
			b.frames <- f
			if scenario != "flood" {
				<-pace.C
			}
		}
	}()
	o := Options{Backend: b, Version: "0.1", In: os.Stdin, Out: os.Stdout, Tabs: []func(*core.Env) core.Tab{
		func(e *core.Env) core.Tab {
			return &childTab{fakeTab: fakeTab{env: e, name: "Flows"}, flood: scenario == "flood"}
		},
	}}
	r, err := prepare(ctx, o)
	if err != nil {
		fmt.Fprintf(side, "ended %v\n", err)
		return
	}
	orders := make(chan os.Signal, 2)
	signal.Notify(orders, syscall.SIGUSR1, syscall.SIGUSR2)
	r.goes("a test", func() {
		if <-orders == syscall.SIGUSR2 {
			panic("in a goroutine")
		}
		cancel()
	})
	if scenario == "flood" {
		go func() {
			for look := time.NewTicker(time.Millisecond); !r.out.Waiting(); {
				<-look.C
			}
			fmt.Fprintln(side, "stalled")
		}()
	}
	fmt.Fprintf(side, "ended %v\n", r.run(ctx))
}

// childTab panics in many ways, and fills the screen with ever new text when it floods.
type childTab struct {
	fakeTab
	flood, dead bool
}

func (t *childTab) View(w, h int) []string {
	if t.dead {
		panic("in view")
	}
	if !t.flood {
		return t.fakeTab.View(w, h)
	}
	out := make([]string, h)
	for i := range out {
		b := make([]byte, w)
		for j := range b {
			b[j] = byte('a' + rand.IntN(26))
		}
		out[i] = string(b)
	}
	return out
}

func (t *childTab) Bindings() []core.Binding {
	bind := func(key string, do func() tea.Cmd) core.Binding {
		return core.Binding{Keys: []string{key}, Name: "fake.panic" + key, Help: "panic", Section: "TABLE", Do: do}
	}
	return append(t.fakeTab.Bindings(),
		bind("V", func() tea.Cmd { t.dead = true; return nil }),
		bind("X", func() tea.Cmd { panic("in update") }),
		bind("Y", func() tea.Cmd { return func() tea.Msg { panic("in a command") } }),
		bind("W", func() tea.Cmd {
			return tea.Sequence(func() tea.Msg { return nil }, func() tea.Msg { panic("in a sequence") })
		}))
}

// jobShell starts the screen as a shell starts a job: its own process group, in the foreground. When it stops, the shell takes
// the terminal back, looks at its settings, and continues the job.
func jobShell(side *os.File) {
	signal.Ignore(syscall.SIGTTOU)
	before, err := term.Save(0)
	if err != nil {
		fmt.Fprintln(side, err)
		return
	}
	cmd := exec.Command(os.Args[0])
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, childVar+"=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, childVar+"=screen")
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdin, os.Stdout, side, []*os.File{side}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(side, err)
		return
	}
	pid := cmd.Process.Pid
	fmt.Fprintln(side, "pid", pid)
	for {
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, syscall.WUNTRACED, nil); err != nil || ws.Exited() || ws.Signaled() {
			return
		}
		after, _ := term.Save(0)
		word := "stopped"
		if after == before {
			word += ", settings restored"
		}
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, os.Getpid())
		_ = term.Restore(0, before)
		fmt.Fprintln(side, word)
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, pid)
		_ = syscall.Kill(-pid, syscall.SIGCONT)
	}
}
