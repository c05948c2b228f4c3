/** Who carries the traffic, as the control thread holds it: an engine of its own, or workers. */
import type { Config } from '../core/config.ts';
import type { Controller } from '../core/control/controller.ts';
import type { EngineControls } from '../core/control/engine-controls.ts';
import type { OpenListener } from '../core/engine/listeners.ts';
import type { Table } from '../core/table/table.ts';

export interface Traffic {
  readonly table: Table;
  readonly engine: EngineControls;
  /** Before a configuration is used: null, or why those who carry traffic cannot use it. */
  prepare(config: Config): Promise<string | null>;
  /** Once, before anything is asked of the engine. */
  begin(controller: Controller): void;
  listening(): readonly OpenListener[];
  /** After the controller has stopped. */
  end(done: () => void): void;
}
