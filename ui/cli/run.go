// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// manFlag is the heading of one flag in cobra's manual page: name, then default.
var manFlag = regexp.MustCompile(`(?m)^((?:\\fB-[a-zA-Z]\\fP, )?\\fB--([a-z-]+)\\fP).*$`)

func run(ctx context.Context, args []string, std Stdio, b Backends) error {
	root := newRoot(std, b)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// newRoot turns the definitions into cobra's commands.
func newRoot(std Stdio, b Backends) *cobra.Command {
	root := newCommand(program(), std, b)
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	for _, def := range commands() {
		root.AddCommand(newCommand(def, std, b))
	}
	root.InitDefaultHelpCmd()
	return root
}

func newCommand(def command, std Stdio, b Backends) *cobra.Command {
	set := &settings{}
	cmd := &cobra.Command{
		Use: strings.TrimSpace(def.name + " " + def.args), Short: def.short, Long: def.long, Example: def.example,
		Hidden: def.hidden, ValidArgs: def.valid, DisableFlagParsing: def.max < 0,
		SilenceErrors: true, SilenceUsage: true, DisableFlagsInUseLine: true, DisableAutoGenTag: true,
		Args: func(cmd *cobra.Command, args []string) error { return checkArgs(def, cmd, args) },
	}
	if len(def.flags) > 0 {
		cmd.Use += " [flags]"
	}
	cmd.Flags().SortFlags = false
	for _, f := range def.flags {
		f.kind(cmd.Flags(), f, set)
		cmd.Flags().Lookup(f.name).Hidden = f.hidden
	}
	cmd.SetIn(std.In)
	cmd.SetOut(std.Out)
	cmd.SetErr(std.Err)
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usagef("see "+c.CommandPath()+" --help", "%w", err)
	})
	if cmd.Flags().Lookup("interface") != nil {
		completeInterfaces(cmd, b)
	}
	if def.words != nil {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return def.words(cmd.Context(), b), cobra.ShellCompDirectiveNoFileComp
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := set.complete(cmd.Flags()); err != nil {
			return err
		}
		return def.run(&call{ctx: cmd.Context(), args: args, opt: set.opt, all: set.all, spec: set.spec, check: set.check, write: set.write, policy: set.policy, dir: set.dir, dev: set.dev, std: std, b: b,
			page: func(name string) error { return manPage(cmd.Root(), name, std) },
			comp: func(shell string) error { return completion(cmd.Root(), shell, std) }})
	}
	return cmd
}

// checkArgs refuses a wrong number of arguments and unknown words.
func checkArgs(def command, cmd *cobra.Command, args []string) error {
	path := cmd.CommandPath()
	switch {
	case def.max < 0:
		return nil
	case !cmd.HasParent() && len(args) > 0:
		fix := "see hooktop --help"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			fix = "did you mean hooktop " + near[0] + "?"
		}
		return usagef(fix, "unknown command %q", args[0])
	case len(args) < def.min:
		missing := strings.Fields(def.args)[len(args):]
		return usagef("usage: hooktop "+cmd.Use, "%s: %s is missing", path, strings.Join(missing, " "))
	case len(args) > def.max:
		return usagef("usage: hooktop "+cmd.Use, "%s: too many arguments from %q on", path, args[def.max])
	}
	for _, word := range args {
		if len(def.valid) > 0 && !contains(def.valid, word) {
			return usagef("one of "+strings.Join(def.valid, ", "), "%s: unknown %q", path, word)
		}
	}
	return nil
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

func completeInterfaces(cmd *cobra.Command, b Backends) {
	names := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		if b.Interfaces == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := b.Interfaces()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	modes := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return modeNames(), cobra.ShellCompDirectiveNoFileComp
	}
	// These fail only for flags that do not exist; the tests call each completion.
	_ = cmd.RegisterFlagCompletionFunc("interface", names)
	_ = cmd.RegisterFlagCompletionFunc("mode", modes)
}

func completion(root *cobra.Command, shell string, std Stdio) error {
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(std.Out, true)
	case "zsh":
		err = root.GenZshCompletion(std.Out)
	case "fish":
		err = root.GenFishCompletion(std.Out, true)
	}
	if err != nil {
		return fmt.Errorf("completion %s: %w", shell, err)
	}
	return nil
}

func manPage(root *cobra.Command, name string, std Stdio) error {
	cmd := root
	if name != "" {
		found, _, err := root.Find([]string{name})
		if err != nil || found == root || found.Hidden {
			return usagef("see hooktop --help", "man: unknown command %q", name)
		}
		cmd = found
	}
	head := &doc.GenManHeader{Section: "1", Source: "hooktop", Manual: "hooktop"}
	var page bytes.Buffer
	if err := doc.GenMan(cmd, head, &page); err != nil {
		return fmt.Errorf("man: %w", err)
	}
	if _, err := std.Out.Write(manValues(cmd, page.Bytes())); err != nil {
		return fmt.Errorf("man: %w", err)
	}
	return nil
}

// manValues names what a flag takes where cobra prints zero values (--for=0s): the defaults stand in the sentences.
func manValues(cmd *cobra.Command, page []byte) []byte {
	return manFlag.ReplaceAllFunc(page, func(row []byte) []byte {
		part := manFlag.FindSubmatch(row)
		f := cmd.Flags().Lookup(string(part[2]))
		if f == nil {
			return row
		}
		takes, _ := pflag.UnquoteUsage(f)
		if takes == "" {
			return part[1]
		}
		return append(append(part[1], `=\fI`...), takes+`\fP`...)
	})
}
