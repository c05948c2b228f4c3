import { describe, expect, it } from 'vitest';
import { planWorkers } from './plan-workers.ts';

describe('the number of workers', () => {
  it('is one for each processor, unless another is asked for', () => {
    expect(planWorkers(null, true, 4, 'Node 24.1.0')).toEqual({ workers: 4, notice: null });
    expect(planWorkers(7, true, 4, 'Node 24.1.0')).toEqual({ workers: 7, notice: null });
  });

  it('is 1 where ports cannot be shared, with a notice if that is a pity', () => {
    expect(planWorkers(null, false, 4, 'Node 20.20.2')).toEqual({
      workers: 1,
      notice:
        '1 worker for 4 processors, because several on one port need Node 22.12 or later, or ' +
        'Bun; this is Node 20.20.2',
    });
    expect(planWorkers(null, false, 1, 'Node 20.20.2')).toEqual({ workers: 1, notice: null });
    expect(planWorkers(1, false, 4, 'Node 20.20.2')).toEqual({ workers: 1, notice: null });
  });

  it('is refused where it cannot be had', () => {
    expect(planWorkers(2, false, 4, 'Node 20.20.2')).toEqual({
      problem:
        '2 workers share one port, which Node 20.20.2 cannot do; write auto or 1, or run it on ' +
        'Node 22.12 or later, or Bun',
    });
  });
});
