// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

func stat(pid int, comm string, ppid int, tty int, start uint64) string {
	return fmt.Sprintf("%d (%s) S %d 1 1 %d -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 1 2 3\n", pid, comm, ppid, tty, start)
}

func TestParseStat(t *testing.T) {
	for _, comm := range []string{"sshd", "tmux: server", "a) S 1 1 1 0 0 (b", "", "()", ")", "new\nline", "\x1b[31m", "(sd-pam)"} {
		got, ok := ParseStat([]byte(stat(4711, comm, 12, 34816, 987654321)))
		want := Stat{PID: 4711, Comm: comm, State: 'S', PPID: 12, TTY: 34816, Start: 987654321}
		if !ok || got != want {
			t.Errorf("comm %q: got %+v, %v; want %+v", comm, got, ok, want)
		}
	}
	for _, bad := range []string{"", "1", "1 (x", "1 (x)", "1 (x) S", "1 (x) S 1 1 1 0 -1 4 1", "x (y) S 1 2 3 4 5", "(y) S 1 2", ") (", "1 )x( S"} {
		if got, ok := ParseStat([]byte(bad)); ok {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
}

func TestConsole(t *testing.T) {
	dev := func(major, minor uint32) TTY { return TTY(minor&0xff | major<<8 | minor&^0xff<<12) }
	for _, c := range []struct {
		tty  TTY
		want bool
		name string
	}{{0, false, "none"}, {dev(4, 1), true, "tty1"}, {dev(4, 64), true, "ttyS0"}, {dev(204, 64), true, "ttyAMA0"},
		{dev(229, 0), true, "hvc0"}, {dev(136, 0), false, "pts/0"}, {dev(136, 1000), false, "pts/1000"}, {dev(143, 255), false, "pts/2047"}} {
		if got := c.tty.Console(); got != c.want {
			t.Errorf("%s: console %v, want %v", c.name, got, c.want)
		}
	}
}

func TestContainerID(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	short := id[:12]
	other := strings.Repeat("fedcba9876543210", 4)
	for _, c := range []struct{ cgroup, want string }{
		{"0::/\n", ""},
		{"0::/user.slice/user-1000.slice/session-5.scope\n", ""},
		{"0::/system.slice/ssh.service\n", ""},
		{"0::/system.slice/docker-" + id + ".scope\n", short},
		{"12:pids:/docker/" + id + "\n11:cpu:/docker/" + id + "\n", short},
		{"0::/docker/" + other + "/docker/" + id + "\n", short},
		{"0::/docker/" + id + "/init.scope\n", short},
		{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-" + id + ".scope\n", short},
		{"0::/kubepods.slice/kubepods-pod1.slice/crio-" + id + ".scope\n", short},
		{"0::/kubepods.slice/kubepods-pod1.slice/crio-conmon-" + id + ".scope\n", ""},
		{"4:memory:/kubepods/burstable/pod2b1a/" + id + "\n", short},
		{"0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + id + "\n", short},
		{"0::/machine.slice/libpod-" + id + ".scope/container\n", short},
		{"0::/machine.slice/libpod-conmon-" + id + ".scope\n", ""},
		{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope\n", short},
		{"0::/ecs/1234/" + id + "\n", short},
		{"0::/lxc/web1\n", "web1"},
		{"0::/lxc.payload.web1/system.slice/nginx.service\n", "web1"},
		{"0::/lxc.payload/web1\n", "web1"},
		{"0::/lxc.monitor.web1\n", ""},
		{"0::/machine.slice/systemd-nspawn@deb\\x2d12.service/payload\n", "deb-12"},
		{"0::/machine.slice/machine-deb12.scope\n", "deb12"},
		{"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope\n", ""},
		{"0::/lxc/\x1b[31m\n", ""},
		{"0::/system.slice/docker-" + strings.ToUpper(id) + ".scope\n", ""},
		{"garbage\n::\n", ""},
	} {
		if got := ContainerID([]byte(c.cgroup)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.cgroup, got, c.want)
		}
	}
}

// tree makes a directory in the shape of /proc. A value that begins with "->" makes a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "->"); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReaderOnATree(t *testing.T) {
	root := tree(t, map[string]string{
		"7/stat": stat(7, "a b", 1, 0, 55), "7/fd/0": "->/dev/null", "7/fd/3": "->socket:[99]", "7/fd/10": "->socket:[100]",
		"7/fd/4": "->socket:[", "7/fd/5": "->socket:[x]", "7/fd/x": "->socket:[1]", "7/fd/6": "->anon_inode:[eventpoll]",
		"7/cgroup": "0::/lxc/web1\n", "7/environ": "A=1\x00SSH_CONNECTION=a b c d\x00SSH=\x00", "7/status": "Name:\tx\nUid:\t1\t2\t3\t4\n",
		"7/ns/net": "->net:[4026531840]", "7/exe": "->" + os.Args[0], "self": "->7", "sys/x": "", "8/stat": "junk",
	})
	r := NewReader(root)
	list, err := r.List(nil)
	var pids []int
	for _, e := range list {
		pids = append(pids, e.PID)
	}
	slices.Sort(pids)
	if err != nil || !slices.Equal(pids, []int{7, 8}) {
		t.Fatalf("processes: %v, %v", pids, err)
	}
	p, ok := r.Open(7)
	if !ok {
		t.Fatal("process 7 is not there")
	}
	defer p.Close()
	if st, ok := p.Stat(); !ok || st.Comm != "a b" || st.Start != 55 {
		t.Errorf("stat: %+v, %v", st, ok)
	}
	held := map[int]uint64{}
	links, how := p.Sockets(func(fd int, inode uint64) bool { held[fd] = inode; return true })
	if len(held) != 2 || held[3] != 99 || held[10] != 100 || links != 6 || how != Read {
		t.Errorf("sockets: %v, %d links, access %d", held, links, how)
	}
	if !p.Holds(3, 99) || p.Holds(3, 98) || p.Holds(0, 99) || p.Holds(77, 99) {
		t.Error("Holds disagrees with the links")
	}
	if c := p.Container(); c != "web1" {
		t.Errorf("container %q", c)
	}
	if v, ok := p.Environ("SSH_CONNECTION"); !ok || v != "a b c d" {
		t.Errorf("environment: %q, %v", v, ok)
	}
	if v, ok := p.Environ("SSH"); !ok || v != "" {
		t.Errorf("empty variable: %q, %v", v, ok)
	}
	if _, ok := p.Environ("SSH_C"); ok {
		t.Error("a variable that is not there was found")
	}
	if uid, ok := p.UID(); !ok || uid != 2 {
		t.Errorf("effective uid %d, %v", uid, ok)
	}
	if ns, ok := p.Namespace("net"); !ok || ns != 4026531840 {
		t.Errorf("network namespace %d, %v", ns, ok)
	}
	if exe, ok := p.Exe(); !ok || exe.Path != os.Args[0] || exe.Deleted {
		t.Errorf("exe %+v, %v", exe, ok)
	}
	if _, ok := r.Open(9); ok {
		t.Error("process 9 is not there, but was opened")
	}
}

// When its first thread has ended, a process is a zombie without descriptors; the other threads hold them.
func TestFirstThreadEnded(t *testing.T) {
	root := tree(t, map[string]string{
		"7/stat": strings.Replace(stat(7, "x", 1, 0, 55), " S ", " Z ", 1), "7/task/7/stat": "", "7/task/x/fd/3": "->socket:[1]",
		"7/task/8/fd/0": "->/dev/null", "7/task/8/fd/3": "->socket:[99]",
	})
	r := NewReader(root)
	p, ok := r.Open(7)
	if !ok {
		t.Fatal("process 7 is not there")
	}
	defer p.Close()
	var held []uint64
	links, how := p.ThreadSockets(func(_ int, inode uint64) bool { held = append(held, inode); return true })
	if !slices.Equal(held, []uint64{99}) || links != 2 || how != Read {
		t.Errorf("sockets %v, %d links, access %d", held, links, how)
	}
}

// A process that ends between two readings says no; it is no error and never another process.
func TestProcessVanishes(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := NewReader("")
	p, ok := r.Open(cmd.Process.Pid)
	if !ok {
		t.Fatal("a running process is not there")
	}
	defer p.Close()
	if st, ok := p.Stat(); !ok || st.PPID != os.Getpid() {
		t.Fatalf("stat %+v, %v", st, ok)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if st, ok := p.Stat(); ok {
		t.Errorf("an ended process still says %+v", st)
	}
	if links, how := p.Sockets(func(int, uint64) bool { return true }); links != 0 || how != Gone {
		t.Errorf("an ended process has %d descriptors, access %d", links, how)
	}
	if p.Container() != "" {
		t.Error("an ended process has a container")
	}
	if _, ok := p.Exe(); ok {
		t.Error("an ended process has a file")
	}
}

func TestReaderOnTheRealThing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := NewReader("")
	sockets, err := r.NetSockets()
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	i := slices.IndexFunc(sockets, func(s snap.Socket) bool {
		return s.State == Listen && s.Local == snap.AddrFrom(at.Addr()) && s.LPort == at.Port()
	})
	if i < 0 {
		t.Fatalf("the listener at %v is not among %d sockets", at, len(sockets))
	}
	p, ok := r.Open(os.Getpid())
	if !ok {
		t.Fatal("this process is not there")
	}
	defer p.Close()
	fd := -1
	p.Sockets(func(n int, inode uint64) bool {
		if inode == sockets[i].Inode {
			fd = n
		}
		return true
	})
	if fd < 0 || !p.Holds(fd, sockets[i].Inode) {
		t.Errorf("socket %d is not among this process's descriptors", sockets[i].Inode)
	}
	exe, ok := p.Exe()
	if want, _ := os.Executable(); !ok || exe.Path != want || int(exe.Owner) != os.Getuid() {
		t.Errorf("exe %+v, %v; want %s", exe, ok, want)
	}
	if uid, ok := p.UID(); !ok || int(uid) != os.Geteuid() {
		t.Errorf("uid %d, %v", uid, ok)
	}
}

func TestParseSocketsV6(t *testing.T) {
	table := "heading\n" +
		"   0: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000200000A:C350 01 0:0 00:0 0 1000 0 4242 1\n" +
		"   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4243 1\n" +
		"   2: 0100007F:0016 0:0 0A short\n"
	got := ParseSockets(nil, []byte(table), 6)
	if len(got) != 2 {
		t.Fatalf("%d sockets: %+v", len(got), got)
	}
	if got[0].Local.String() != "127.0.0.1" || got[0].Peer.String() != "10.0.0.2" || got[0].PPort != 50000 || got[0].Inode != 4242 || got[0].UID != 1000 {
		t.Errorf("mapped: %+v", got[0])
	}
	if got[1].Local.String() != "::1" || got[1].State != Listen || got[1].TCP.State != "LISTEN" {
		t.Errorf("v6: %+v", got[1])
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(stat(1, "x) S 1 (", 2, 3, 4)))
	f.Add([]byte("1 (x) S -1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := ParseStat(b); ok && (s.PID <= 0 || s.PPID < 0 || !bytes.Contains(b, []byte("("+s.Comm+")"))) {
			t.Errorf("%q was read as %+v", b, s)
		}
	})
}

func FuzzContainerID(f *testing.F) {
	f.Add([]byte("0::/docker/" + strings.Repeat("a", 64) + "\n"))
	f.Add([]byte("0::/lxc/x\n1:a:/machine.slice/machine-a\\x2db.scope"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id := ContainerID(b)
		if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q gives %q", b, id)
		}
	})
}

func FuzzFiles(f *testing.F) {
	f.Add([]byte("A=1\x00B=2\x00"), "A")
	f.Add([]byte("Uid:\t1\t2\n"), "")
	f.Add([]byte("h\n 0: 0100007F:0016 0200007F:0017 01 0 0 0 0 0 7"), "")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if v, ok := Variable(b, name); ok && !bytes.Contains(b, []byte(name+"="+v)) {
			t.Errorf("variable %q of %q is %q", name, b, v)
		}
		EffectiveUID(b)
		ParseSockets(nil, b, 6)
		nextName(b)
		inodeOf("socket:[", b)
	})
}
