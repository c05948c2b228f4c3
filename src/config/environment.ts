/**
 * `${VAR}` and `${VAR:-default}` in a value of the configuration. It happens after YAML has been
 * parsed, so that what a variable holds cannot change the structure of the file.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  readonly text: string;
  /** What is wrong, and what to write instead; empty: nothing. */
  readonly problems: readonly string[];
}

/** Replaces every variable. `$${` stands for a literal `${`; any other `$` is itself. */
export function expand(text: string, environment: Environment): Expansion {
  const problems: string[] = [];
  const replaced = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (whole: string, inside: string | undefined, close: string) => {
      if (inside === undefined) return '${';
      const match = close === '' ? null : /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside);
      if (match === null) {
        const forms = `write \${VAR} or \${VAR:-default}; for a literal "\${" write "$\${"`;
        problems.push(`${JSON.stringify(whole)} is not a variable; ${forms}`);
        return whole;
      }
      const [, name, fallback] = match;
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value !== undefined) return value;
      const remedy = `set it, or give a default: \${${name}:-value}`;
      problems.push(`the environment variable ${name} is not set; ${remedy}`);
      return whole;
    },
  );
  return { text: replaced, problems };
}

/** The opposite: text that `expand` turns into `text`. */
export const escapeVariables = (text: string): string => text.replaceAll('${', '$$${');

/**
 * What an unquoted scalar means once its variables are in: `port: ${PORT}` is a number, as if it
 * had been written there.
 */
export function retype(text: string): string | number | boolean {
  if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : text;
}
