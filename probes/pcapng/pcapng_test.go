// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// readBack compares a file with what gopacket makes of it.
func readBack(t *testing.T, file []byte, want []Packet) {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		if len(want) == 0 && errors.Is(err, io.EOF) {
			return // it wants an interface
		}
		t.Fatal(err)
	}
	for i, p := range want {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		d, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		link := layers.LinkTypeEthernet
		if p.L3 {
			link = layers.LinkTypeRaw
		}
		if !bytes.Equal(data, p.Data) || info.Length != max(p.Len, len(p.Data)) || d.LinkType != link || d.Name != strings.ToValidUTF8(p.Dev, "\ufffd") {
			t.Errorf("packet %d: % x, %+v on %+v, want %+v", i, data, info, d, p)
		}
		if p.At.UnixNano() > 0 && info.Timestamp.UnixNano() != p.At.UnixNano() {
			t.Errorf("packet %d: at %v, want %v", i, info.Timestamp, p.At)
		}
	}
	if _, _, err := r.ReadPacketData(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last packet: %v", err)
	}
}

func write(t testing.TB, comment string, packets []Packet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "hooktop", comment, packets); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packets() []Packet {
	at := time.Date(2026, 11, 26, 4, 5, 6, 123456789, time.UTC)
	ip, err := hex.DecodeString("450000240001000040111234" + "0a000001" + "0a000002" + "03e80035" + "00100000" + "6865796465616400")
	if err != nil {
		panic(err)
	}
	eth := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, ip...)
	return []Packet{
		{At: at, Dev: "eth0", Len: 1400, Data: eth, Comment: `deny in udp log "größer"`},
		{At: at.Add(time.Nanosecond), Dev: "wg0", L3: true, Out: true, Len: len(ip), Data: ip, Comment: "deny out udp"},
		{At: at.Add(time.Hour), Dev: "eth0", Len: 45, Data: eth[:45], Comment: "x"},
	}
}

func TestGopacketReadsWhatIsWritten(t *testing.T) {
	readBack(t, write(t, "a section", packets()), packets())
	readBack(t, write(t, "", nil), nil)
}

func TestTsharkReadsFramesAndComments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "headers.pcapng")
	if err := os.WriteFile(path, write(t, "of a test", packets()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-r", path, "-T", "fields", "-E", "separator=|",
		"-e", "frame.comment", "-e", "frame.interface_name", "-e", "frame.len", "-e", "frame.cap_len", "-e", "ip.src", "-e", "udp.dstport", "-e", "frame.packet_flags_direction")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	want := `deny in udp log "größer"|eth0|1400|50|10.0.0.1|53|0x00000001
deny out udp|wg0|36|36|10.0.0.1|53|0x00000002
x|eth0|45|45|10.0.0.1|53|0x00000001
`
	if string(out) != want {
		t.Errorf("tshark reads\n%s\nwant\n%s", out, want)
	}
}

// An option's length has 16 bits.
func TestALongCommentIsCut(t *testing.T) {
	list := packets()
	for i := range list {
		list[i].Comment = strings.Repeat("ä", 40000)
	}
	readBack(t, write(t, list[0].Comment, list), list)
}

func FuzzWrite(f *testing.F) {
	f.Add("eth0", "deny in tcp", []byte("a frame"), int64(1), 7, false)
	f.Add("\xff", strings.Repeat("ä", 40), []byte{}, int64(-1), -3, true)
	f.Fuzz(func(t *testing.T, dev, comment string, data []byte, at int64, size int, l3 bool) {
		if len(data) > 128 || size > 1<<20 || dev == "" {
			return
		}
		list := []Packet{{At: time.Unix(0, at), Dev: dev, L3: l3, Len: size, Data: data, Comment: comment}}
		readBack(t, write(t, comment, append(list, list...)), append(list, list...))
	})
}
