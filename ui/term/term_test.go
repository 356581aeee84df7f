// SPDX-License-Identifier: Apache-2.0

package term

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func openPty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	return master, slave
}

func TestSettingsComeBackThroughAnEncoding(t *testing.T) {
	_, slave := openPty(t)
	fd := int(slave.Fd())
	before, err := Save(fd)
	if err != nil {
		t.Fatal(err)
	}
	raw := before
	raw.Termios.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG
	if err := Restore(fd, raw); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(before) // as a watcher process gets them
	if err != nil {
		t.Fatal(err)
	}
	var carried State
	if err := json.Unmarshal(b, &carried); err != nil {
		t.Fatal(err)
	}
	if err := Restore(fd, carried); err != nil {
		t.Fatal(err)
	}
	if after, err := Save(fd); err != nil || after != before {
		t.Errorf("%v: %+v, want %+v", err, after, before)
	}
	if _, err := Save(-1); err == nil || !strings.HasPrefix(err.Error(), "read terminal settings") {
		t.Error(err)
	}
}

func TestNeedsASCII(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want bool
	}{
		{[]string{"TERM=xterm", "LANG=en_US.UTF-8"}, false},
		{[]string{"TERM=xterm", "LANG=de_DE.utf8"}, false},
		{[]string{"TERM=xterm", "LANG=C"}, true},
		{[]string{"TERM=xterm"}, true},
		{[]string{"TERM=xterm", "LANG=en_US.UTF-8", "LC_ALL=C"}, true},
		{[]string{"TERM=xterm", "LANG=C", "LC_CTYPE=C.UTF-8"}, false},
		{[]string{"TERM=linux", "LANG=en_US.UTF-8"}, true},
		{[]string{"TERM=xterm", "LANG=ja_JP.UTF-8", "RUNEWIDTH_EASTASIAN=1"}, true},
		{[]string{"LANG=C", "LANG=C.UTF-8", "TERM=xterm"}, false},
	} {
		if got := NeedsASCII(c.env); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}

func TestOutputWritesAllOfAMegabyte(t *testing.T) {
	master, slave := openPty(t)
	o := NewOutput(slave, func(err error) { t.Error(err) })
	defer o.Close()
	if !o.own {
		t.Error("no description of its own")
	}
	const size = 1 << 20
	got := make(chan int)
	go func() {
		n, b := 0, make([]byte, 4096)
		for n < size {
			k, err := master.Read(b)
			if err != nil {
				break
			}
			n += k
		}
		got <- n
	}()
	n, err := o.Write(make([]byte, size))
	if err != nil || n != size || o.Written() != size {
		t.Errorf("wrote %d: %v", n, err)
	}
	if read := <-got; read != size {
		t.Errorf("read %d", read)
	}
	if flags, err := unix.FcntlInt(slave.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Error("the shared descriptor became non-blocking")
	}
}

func TestFirstFailedWriteEndsTheProgram(t *testing.T) {
	master, slave := openPty(t)
	lost := make(chan error, 10)
	o := NewOutput(slave, func(err error) { lost <- err })
	defer o.Close()
	master.Close()
	for range 3 {
		if _, err := o.Write([]byte("x")); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
	}
	if err := <-lost; !errors.Is(err, ErrGone) || !errors.Is(err, unix.EIO) {
		t.Error(err)
	}
	if len(lost) > 0 {
		t.Error("said twice")
	}
}

func TestGivingUpFreesAWriteThatWaits(t *testing.T) {
	_, slave := openPty(t)
	o := NewOutput(slave, func(err error) { t.Error(err) })
	defer o.Close()
	done := make(chan error)
	go func() { _, err := o.Write(make([]byte, 1<<22)); done <- err }() // nobody reads
	for !o.Waiting() {
		runtime.Gosched()
	}
	o.GiveUp()
	if err := <-done; !errors.Is(err, ErrStalled) {
		t.Error(err)
	}
}

func TestReadStat(t *testing.T) {
	s, err := readStat(os.Getpid())
	if err != nil || s.parent != os.Getppid() || s.group != unix.Getpgrp() {
		t.Errorf("%+v %v", s, err)
	}
	if sid, err := unix.Getsid(0); err != nil || s.session != sid {
		t.Errorf("session %d, want %d (%v)", s.session, sid, err)
	}
	if _, err := readStat(-1); err == nil {
		t.Error("no error for a process that cannot be")
	}
}
