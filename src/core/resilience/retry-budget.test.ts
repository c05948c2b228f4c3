import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

/** How many retries it grants at this moment. */
function drain(budget: RetryBudget, nowMs: number): number {
  let granted = 0;
  while (budget.tryWithdraw(nowMs)) granted++;
  return granted;
}

describe('a retry budget', () => {
  it('grants three retries to a pool without traffic, then none', () => {
    expect(drain(new RetryBudget(), 5)).toBe(3);
  });

  it('grants one more for every five exchanges', () => {
    const budget = new RetryBudget();
    for (let exchange = 0; exchange < 14; exchange++) budget.deposit(100);
    expect(drain(budget, 100)).toBe(3 + 2);
    budget.deposit(100);
    expect(drain(budget, 100)).toBe(1);
  });

  it('says beforehand whether it grants one, and takes nothing for that', () => {
    const budget = new RetryBudget();
    for (let look = 0; look < 5; look++) expect(budget.affords(5)).toBe(true);
    expect(drain(budget, 5)).toBe(3);
    expect(budget.affords(5)).toBe(false);
    expect(budget.affords(10_005)).toBe(true);
  });

  it('forgets what was earned ten seconds ago', () => {
    const budget = new RetryBudget();
    for (let exchange = 0; exchange < 50; exchange++) budget.deposit(1000);
    expect(drain(budget, 10_999)).toBe(3 + 10);
    const late = new RetryBudget();
    for (let exchange = 0; exchange < 50; exchange++) late.deposit(1000);
    expect(drain(late, 11_000)).toBe(3);
  });

  it('forgets what was spent ten seconds ago', () => {
    const budget = new RetryBudget();
    expect(drain(budget, 0)).toBe(3);
    expect(drain(budget, 9_999)).toBe(0);
    expect(drain(budget, 10_000)).toBe(3);
  });

  it('grants one more for each exchange that was on a backend that went down', () => {
    const budget = new RetryBudget();
    budget.credit(40, 500);
    expect(drain(budget, 500)).toBe(43);
  });

  it('starts at any time, and sleeps any time', () => {
    const budget = new RetryBudget();
    budget.credit(7, 1e9);
    expect(drain(budget, 1e9 + 5)).toBe(10);
    expect(drain(budget, 5e9)).toBe(3);
  });

  it('grants exactly what a ledger of the last ten seconds allows', () => {
    const action = fc.record({
      afterMs: fc.integer({ min: 0, max: 4000 }),
      what: fc.constantFrom('deposit', 'withdraw', 'withdraw', 'credit'),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const budget = new RetryBudget();
        const ledger: { second: number; amount: number }[] = [];
        let nowMs = 0;
        for (const { afterMs, what } of actions) {
          nowMs += afterMs;
          const second = Math.floor(nowMs / 1000);
          const balance = ledger
            .filter((entry) => entry.second > second - 10)
            .reduce((sum, entry) => sum + entry.amount, 15);
          if (what === 'deposit') {
            budget.deposit(nowMs);
            ledger.push({ second, amount: 1 });
          } else if (what === 'credit') {
            budget.credit(2, nowMs);
            ledger.push({ second, amount: 10 });
          } else {
            expect(budget.tryWithdraw(nowMs)).toBe(balance >= 5);
            if (balance >= 5) ledger.push({ second, amount: -5 });
          }
        }
      }),
    );
  });
});
