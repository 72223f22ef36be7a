// Shows how far a job is, and loads the page again at its end. Without it the link 刷新 does the same.
const place = document.getElementById("progress");
const line = place.querySelector("p");

async function look() {
  const answer = await fetch(`/console/v1/imports/jobs/${place.dataset.job}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const job = await answer.json();
  if (job.state !== "waiting" && job.state !== "running") {
    location.reload();
    return;
  }
  const told = job.state === "waiting" ? `前面还有 ${job.ahead} 个任务。一次只做一个，轮到就开始。`
    : job.rows === null ? `正在读文件，已读 ${job.done} 行。`
      : `共 ${job.rows} 行，已处理 ${job.done} 行。`;
  if (line.textContent !== told) line.textContent = told;
}

setInterval(() => look().catch(() => {}), 1000);
