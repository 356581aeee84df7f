// SPDX-License-Identifier: Apache-2.0

package owner

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"

	"hooktop/ui/format"
)

// users names user numbers by the host's /etc/passwd, which is read once: without cgo there is no NSS, so users of a
// directory service stay numbers.
type users struct {
	path  string
	names map[uint32]string
}

// name of a user. In a container the number means whatever the container's own files say, so it stays a number; only
// root is root everywhere.
func (u *users) name(uid uint32, container bool) string {
	if u.names == nil {
		u.names = map[uint32]string{}
		if b, err := os.ReadFile(u.path); err == nil { // without it there are numbers
			u.names = parsePasswd(b)
		}
	}
	if n, ok := u.names[uid]; ok && (!container || uid == 0) {
		return n
	}
	return strconv.FormatUint(uint64(uid), 10)
}

// parsePasswd reads passwd(5). The first line of a number names it.
func parsePasswd(b []byte) map[uint32]string {
	names := map[uint32]string{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), ":", 4)
		if len(f) < 4 || f[0] == "" || f[0][0] == '+' || f[0][0] == '-' {
			continue
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		if _, ok := names[uint32(uid)]; !ok {
			names[uint32(uid)] = format.Clean(f[0])
		}
	}
	return names
}
