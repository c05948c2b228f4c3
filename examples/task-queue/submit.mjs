/** node submit.mjs URL [JOBS]: hands in so many jobs at once (64), and says what became of them. */
const [url, jobs = '64'] = process.argv.slice(2);
const begun = Date.now();
const answers = await Promise.all(
  Array.from({ length: Number(jobs) }, async (_, n) => {
    const { status } = await fetch(`${url}/jobs/${n}`, { method: 'POST', body: `job ${n}` });
    return status;
  }),
);
const count = (status) => answers.filter((each) => each === status).length;
for (const status of new Set(answers)) console.log(`${count(status)} jobs: ${status}`);
console.log(`all answered after ${Date.now() - begun} ms`);
