/** node submit.mjs URL [JOBS]: hands in so many jobs at once (64), and says what became of them. */
const [url, jobs = '64'] = process.argv.slice(2);
/** For the balancer to answer, whatever it says: it may have been started a moment ago. */
const PATIENCE_MS = 5000;

async function answers() {
  const untilMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await (await fetch(`${url}/stats`)).arrayBuffer();
      return true;
    } catch {
      if (Date.now() > untilMs) return false;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

if (!(await answers())) {
  console.error(`nobody answers at ${url}: is the balancer running?`);
  process.exit(1);
}
const begun = Date.now();
const statuses = await Promise.all(
  Array.from({ length: Number(jobs) }, async (_, n) => {
    const { status } = await fetch(`${url}/jobs/${n}`, { method: 'POST', body: `job ${n}` });
    return status;
  }),
);
const count = (status) => statuses.filter((each) => each === status).length;
for (const status of new Set(statuses)) console.log(`${count(status)} jobs: ${status}`);
console.log(`all answered after ${Date.now() - begun} ms`);
