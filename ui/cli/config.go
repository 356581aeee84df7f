// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
)

const maxConfig = 1 << 20 // bytes

// configFile is what a config file may say. Flags given on the command line win.
type configFile struct {
	Interfaces   []string `toml:"interfaces"`
	Mode         string   `toml:"mode"`
	Flows        int      `toml:"flows"`
	AccessAgents []string `toml:"access_agents"`
	LogRate      int      `toml:"log_rate"`
	Theme        string   `toml:"theme"`
	ASCII        bool     `toml:"ascii"`
	Mouse        bool     `toml:"mouse"`
	Hz           float64  `toml:"hz"`
	Reduced      bool     `toml:"reduced"`
	Comfortable  bool     `toml:"comfortable"`
	Paint        bool     `toml:"paint"`

	Canary canaryFile `toml:"canary"`
}

// findConfig returns the file to read, "" for none.
func (s *settings) findConfig() (string, error) {
	if s.noConfig || s.config != "" {
		return s.config, nil
	}
	var places []string
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "hooktop", "config.toml"))
	}
	for _, path := range append(places, "/etc/hooktop/config.toml") {
		f, err := os.Open(path)
		if err == nil {
			f.Close()
			return path, nil
		}
		// One that this user may not read is somebody else's: root's, or the home that su left in the environment.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, fs.ErrPermission) {
			return "", &Error{Code: ExitFailed, Err: fmt.Errorf("config %s: %w", path, err), Fix: "mend it or use --no-config"}
		}
	}
	return "", nil
}

// readConfig applies the file at path to what flags left open.
func (s *settings) readConfig(path string, flags *pflag.FlagSet) error {
	if path == "" || s.noConfig {
		return nil
	}
	data, err := readTrusted(path, os.Geteuid())
	if err != nil {
		return &Error{Code: ExitFailed, Err: fmt.Errorf("config %s: %w", path, err), Fix: "mend it or use --no-config"}
	}
	var file configFile
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return &Error{Code: ExitUsage, Err: configError(path, err), Fix: "mend it or use --no-config"}
	}
	s.apply(file, flags)
	return file.Canary.apply(&s.opt.Policy.Canary, path, flags)
}

func (s *settings) apply(file configFile, flags *pflag.FlagSet) {
	open := func(name string) bool { f := flags.Lookup(name); return f != nil && !f.Changed }
	o := &s.opt
	if open("interface") {
		o.Interfaces = file.Interfaces
	}
	if open("access-agent") {
		o.AccessAgents = file.AccessAgents
	}
	if open("mode") {
		o.Mode = file.Mode
	}
	if open("flows") {
		o.Flows = file.Flows
	}
	if open("log-rate") {
		o.Policy.LogRate = file.LogRate
	}
	if open("theme") {
		o.Screen.Theme = file.Theme
	}
	if open("hz") {
		o.Screen.Hz = file.Hz
	}
	for _, t := range []struct {
		name string
		to   *bool
		from bool
	}{
		{"ascii", &o.Screen.ASCII, file.ASCII}, {"mouse", &o.Screen.Mouse, file.Mouse},
		{"reduced", &o.Screen.Reduced, file.Reduced}, {"comfortable", &o.Screen.Comfortable, file.Comfortable},
		{"paint", &o.Screen.Paint, file.Paint},
	} {
		if open(t.name) {
			*t.to = t.from
		}
	}
}

// configError names file, line and key.
func configError(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		row, _ := first.Position()
		return fmt.Errorf("config %s:%d: unknown key %q", path, row, joinKey(first.Key()))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, col := decode.Position()
		return fmt.Errorf("config %s:%d:%d: %s", path, row, col, decode.Error())
	}
	return fmt.Errorf("config %s: %w", path, err)
}

func joinKey(key toml.Key) string {
	text := ""
	for i, part := range key {
		if i > 0 {
			text += "."
		}
		text += part
	}
	return text
}

// readTrusted reads a file. For root it refuses one that another user could have written: what is opened is what is
// checked, and the folder counts too, for whoever may write there may put another file in its place.
func readTrusted(path string, euid int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unwrapPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unwrapPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if euid == 0 {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, unwrapPath(err)
		}
		dir, err := os.Stat(filepath.Dir(real))
		if err != nil {
			return nil, unwrapPath(err)
		}
		if err := onlyRootWrites(info, "the file"); err != nil {
			return nil, err
		}
		if err := onlyRootWrites(dir, "its folder"); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, unwrapPath(err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("larger than %d bytes", maxConfig)
	}
	return data, nil
}

// onlyRootWrites checks owner and mode. Sticky folders such as /tmp do not protect against a file put there first.
func onlyRootWrites(info fs.FileInfo, what string) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
		return fmt.Errorf("%s belongs to user %d and hooktop runs as root (chown root it)", what, stat.Uid)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write %s (mode %#o) and hooktop runs as root (chmod go-w it)", what, info.Mode().Perm())
	}
	return nil
}

// unwrapPath drops the path that callers name themselves.
func unwrapPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
