/** For `evenkeel.config.ts`: type checking and completion, nothing else. */
import type { ConfigInput } from './schema.ts';

export type { ConfigInput };

/** Gives back its argument: `export default defineConfig({ backends: [...] })`. */
export const defineConfig = (config: ConfigInput): ConfigInput => config;
