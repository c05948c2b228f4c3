/** The heads of answers, as the policies and passive health want to see them. Reused. */
import { latin1 } from '../core/base/bytes.ts';
import { Field } from '../core/http/fields.ts';
import { Head } from '../core/http/head.ts';

export class Heads {
  private readonly silent = new Head(0);
  private readonly reporting = new Head(1);

  /** Valid until the next call. `report`: the value of its `Backend-Load`; empty: it has none. */
  of(status: number, report: string): Head {
    if (report === '') {
      this.silent.status = status;
      return this.silent;
    }
    const { reporting } = this;
    reporting.clear(latin1(report));
    reporting.status = status;
    reporting.add(Field.backendLoad, 0, 0, 0, report.length);
    return reporting;
  }
}
