// An enrolled screen tells every few seconds what is on its glass. What that is comes from the page as it stands, not from
// what the page has heard: a page that does not follow is found, however well its stream goes.
import { freshness, settled } from "./freshness.js";
import { digestOf } from "./glass.js";
import { kept } from "./keep.js";

const NAME = "tongyuan_screen_name";
const place = document.body.dataset.place;
/** The screen's own name; undefined when it has none. */
const enrolled = () => document.cookie.split("; ").find((each) => each.startsWith(`${NAME}=`))?.slice(NAME.length + 1);

async function report() {
  await settled();
  const label = document.querySelector("[data-screen]");
  label.hidden = false;
  label.textContent = `· ${enrolled()}`;
  const { state, issued, position } = freshness();
  const told = {
    address: document.body.dataset.address,
    digest: await digestOf(document.getElementById("main")),
    position,
    head_time: issued && new Date(issued).toISOString(),
    kept: kept().kept,
    kept_of: kept().of,
    kept_at: kept().at && new Date(kept().at).toISOString(),
    freshness: { back: "wrong", clock: "unable", unproven: "unknown" }[state] ?? state,
  };
  const answer = await fetch(`/${place}/v1/screen/report`, {
    method: "POST", body: JSON.stringify(told), headers: { "Content-Type": "application/json" }, cache: "no-store",
  });
  if (answer.status === 401) document.cookie = `${NAME}=; Max-Age=0; Path=/${place}/; SameSite=Strict`;
  else if (answer.ok && (await answer.json()).same === false) document.dispatchEvent(new CustomEvent("refresh"));
}

/** Nobody sees a page that is hidden: it says nothing, and the screen is silent. */
async function often() {
  try {
    if (enrolled() && document.visibilityState === "visible") await report();
  } catch (error) {
    console.info("not reported", String(error)); // without a line: silence tells
  }
  setTimeout(often, Number(document.body.dataset.report) * 1000);
}

often();
