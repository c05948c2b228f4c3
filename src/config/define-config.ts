/**
 * For `evenkeel.config.ts`, as `evenkeel/config`: type checking and completion, nothing else. It
 * loads nothing, for each worker that wants a policy function imports it as well.
 */
import type { ConfigInput } from './schema.ts';

export type { PolicyCandidate, PolicyFunction, PolicyRequest } from '../core/policy-function.ts';
export type { ConfigInput };

/** Gives back its argument: `export default defineConfig({ backends: [...] })`. */
export const defineConfig = (config: ConfigInput): ConfigInput => config;
