// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// metaPackage depends on the newest cloud kernel of a suite. Files of superseded ones vanish from the archive, so that a
// version can't be pinned; a series can.
const metaPackage = "linux-image-cloud-amd64"

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Fetch gives the kernel from the cache, or brings it there.
func (k Kernel) Fetch(ctx context.Context, cache string) (Image, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Image{}, fmt.Errorf("make folder for kernels: %w", err)
	}
	unlock, err := lock(filepath.Join(cache, k.Suite+".lock"))
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	img, err := k.open(cache)
	if !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	if err := k.download(ctx, cache); err != nil {
		return Image{}, fmt.Errorf("fetch kernel %s of Debian %s: %w", k.Series, k.Suite, err)
	}
	return k.open(cache)
}

// lock holds a file for as long as nobody calls what it returns: two runs must not fetch one kernel at a time.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock of kernels: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// download resolves, fetches and unpacks into a folder beside, which then takes the kernel's name.
func (k Kernel) download(ctx context.Context, cache string) error {
	state, err := os.MkdirTemp(cache, ".fetch-"+k.Suite+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	a := apt{dir: state, ctx: ctx}
	if err := a.update(k.Suite); err != nil {
		return err
	}
	image, err := a.depends(metaPackage, `^linux-image-\d`)
	if err != nil {
		return err
	}
	if len(image) != 1 {
		return fmt.Errorf("%s depends on %v, expected one kernel", metaPackage, image)
	}
	if !k.Newest && !strings.HasPrefix(image[0], "linux-image-"+k.Series+".") {
		return fmt.Errorf("%s is %s: the suite's series is not the pinned one", metaPackage, image[0])
	}
	packages, err := a.depends(image[0], `^linux-(binary|modules)-`)
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		packages = image
	}
	root := filepath.Join(state, "root")
	version, err := a.unpack(packages, root)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, resolvedFile), []byte(image[0]+" "+version+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(root, filepath.Join(cache, k.Suite))
}

// apt runs on a state of its own: the system's lists, sources and dpkg status stay as they are. Proxies are the system's.
type apt struct {
	dir string
	ctx context.Context
}

func (a apt) run(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(a.ctx, name, args...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C")
	cmd.Dir = a.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// update reads the suite's package lists from the first mirror that has it: the system's own, Debian's, and the archive to
// which old releases move, whose lists are signed and past their date.
func (a apt) update(suite string) error {
	if err := a.configure(); err != nil {
		return err
	}
	var failed []error
	for _, mirror := range append(mirrors(a.ctx), "http://deb.debian.org/debian", "http://archive.debian.org/debian") {
		options := "arch=amd64 signed-by=" + keyring
		if strings.Contains(mirror, "//archive.debian.org") {
			options += " check-valid-until=no"
		}
		line := fmt.Sprintf("deb [%s] %s %s main\n", options, mirror, suite)
		if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(line), 0o644); err != nil {
			return err
		}
		_, err := a.run("apt-get", "-qq", "--error-on=any", "update")
		if err == nil {
			return nil
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (a apt) configure() error {
	for _, dir := range []string{"empty", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o755); err != nil {
			return err
		}
	}
	conf := strings.ReplaceAll(`Dir::Etc::sourcelist "DIR/sources.list";
Dir::Etc::sourceparts "DIR/empty";
Dir::Etc::preferences "DIR/none";
Dir::Etc::preferencesparts "DIR/empty";
Dir::State "DIR";
Dir::State::lists "DIR/lists";
Dir::State::status "DIR/status";
Dir::Cache "DIR/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
`, "DIR", a.dir)
	return errors.Join(os.WriteFile(filepath.Join(a.dir, "apt.conf"), []byte(conf), 0o644),
		os.WriteFile(filepath.Join(a.dir, "status"), nil, 0o644))
}

// mirrors are the system's, of Debian's main archive.
func mirrors(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian").Output()
	if err != nil {
		return nil // Debian's own are tried
	}
	var all []string
	for uri := range strings.FieldsSeq(string(out)) {
		if uri = strings.TrimSuffix(uri, "/"); strings.HasSuffix(uri, "/debian") && !slices.Contains(all, uri) {
			all = append(all, uri)
		}
	}
	return all
}

// depends lists the packages that one depends on whose names fit.
func (a apt) depends(name, pattern string) ([]string, error) {
	out, err := a.run("apt-cache", "depends", "--no-recommends", "--no-suggests", name)
	if err != nil {
		return nil, err
	}
	fits := regexp.MustCompile(pattern)
	var all []string
	for line := range strings.Lines(out) {
		if on, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok && fits.MatchString(on) {
			all = append(all, on)
		}
	}
	return all, nil
}

// unpack fetches packages, unpacks them into root without running anything of theirs, and gives their version.
func (a apt) unpack(packages []string, root string) (version string, err error) {
	if _, err := a.run("apt-get", append([]string{"-qq", "download"}, packages...)...); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(a.dir, "*.deb"))
	if err != nil || len(files) != len(packages) {
		return "", fmt.Errorf("download of %v gave %v", packages, files)
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	for _, file := range files {
		if _, err := a.run("dpkg-deb", "-x", file, root); err != nil {
			return "", err
		}
		if version, err = a.run("dpkg-deb", "-f", file, "Version"); err != nil {
			return "", err
		}
	}
	return strings.TrimSpace(version), nil
}
