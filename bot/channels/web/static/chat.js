// The page without reloading: forms and links of a case are fetched, the log grows, the address changes.
// Everything works without this file; where anything goes wrong here, the browser does it the plain way.
const $ = (id) => document.getElementById(id);
const CASE = /^(\/embed)?\/case\/\d+(\/(at|show)\/[\w/=+]+)?$/;
let busy = false;
let shown;

function tell(text) {
  const status = $("status");
  if (status) status.textContent = text;
}

// XMLHttpRequest, because it hands over a document: no markup passes through a string.
function fetched(method, url, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "document";
    request.timeout = 20000;
    request.setRequestHeader("X-Chat", "1");
    if (body) request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onload = () => resolve(request);
    request.onerror = request.ontimeout = () => reject(new Error("unreachable"));
    request.send(body ?? null);
  });
}

// Children that were there stay the same elements, so that only what is new is read aloud.
function reconcile(log, next) {
  const there = new Map([...log.children].map((item) => [item.dataset.key, item]));
  const wanted = [...next.children].map((item) => there.get(item.dataset.key) ?? document.adoptNode(item));
  for (const item of [...log.children]) if (!wanted.includes(item)) item.remove();
  wanted.forEach((item, place) => {
    if (log.children[place] !== item) log.insertBefore(item, log.children[place] ?? null);
  });
}

// "/" and "/case/1" are wherever the case stands: the history is to hold what stood there.
function place(path) {
  return /\/(at|show)\//.test(path) ? path : $("log").dataset.at;
}

function show(page) {
  const part = (id) => page.getElementById(id);
  if (!part("log") || !part("controls") || !$("log")) return false;
  document.title = page.title;
  const header = document.querySelector("header .bar");
  const nextHeader = page.querySelector("header .bar");
  if (header && nextHeader) header.replaceWith(document.adoptNode(nextHeader));
  const skip = document.querySelector("a.skip");
  if (skip) skip.href = page.querySelector("a.skip").getAttribute("href");
  for (const name of ["at", "screen"]) $("log").dataset[name] = part("log").dataset[name];
  // What was typed and not taken stays, to be changed; anything else that was typed is gone with the old page.
  const kept = page.querySelector("[data-retyped]") ? $("text")?.value : "";
  for (const name of ["whole", "controls"]) $(name)?.replaceWith(document.adoptNode(part(name)));
  if (kept && $("text")) {
    $("text").value = kept;
    $("text").select();
  }
  // What is asked is taken anew as a whole: its key says whether it is another question.
  reconcile(document.querySelector("#log .lines"), page.querySelector("#log .lines"));
  tell("");
  ready();
  return true;
}

// The controls take the focus, so that Tab goes on from there; the log reads out what is new by itself.
function look() {
  const news = [...document.querySelectorAll("#log .said:not(.pointer)")].pop();
  const target = news ?? $("asked") ?? $("end");
  ($("reply") ?? $("end") ?? $("log")).focus({ preventScroll: true });
  (target?.closest("li") ?? target)?.scrollIntoView({ block: "start" });
}

async function go(method, url, body, keep) {
  if (busy) return;
  busy = true;
  const late = setTimeout(() => tell(document.body.dataset.sending), 700);
  try {
    const request = await fetched(method, url, body);
    const page = request.response;
    if (!page || !show(page)) {
      if (method === "GET" || request.status === 401) return location.assign(method === "GET" ? url : location.href);
      if (!page?.body) return tell(document.body.dataset[request.status === 429 ? "tooMany" : "refused"]);
      document.title = page.title;
      document.body.replaceWith(document.adoptNode(page.body)); // why it was not taken
      return $("error")?.focus();
    }
    const at = place(request.getResponseHeader("Content-Location") ?? new URL(request.responseURL).pathname);
    shown = at;
    if (!keep) history[at === location.pathname ? "replaceState" : "pushState"]({}, "", at);
    look();
  } catch {
    tell(document.body.dataset.offline);
  } finally {
    clearTimeout(late);
    busy = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.plain !== undefined || !CASE.test(new URL(form.action).pathname)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  if (event.submitter?.name) body.append(event.submitter.name, event.submitter.value);
  go("POST", form.action, body.toString());
});

document.addEventListener("click", (event) => {
  // The second click of a double one: what was under the first may be another question's by now.
  if (event.detail > 1 && event.target.closest("a, button")) return event.preventDefault();
  const link = event.target.closest("a");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    const url = new URL(link.href);
    const here = url.origin === location.origin && CASE.test(url.pathname) && !url.hash;
    if (here && !link.target && $("log")) {
      event.preventDefault();
      go("GET", url.href);
    }
    return;
  }
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.dataset.print !== undefined) window.print();
  else copy($(button.dataset.copy));
});

// Enter sends what is typed, Shift+Enter breaks the line; Enter that ends a composed character does neither.
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit(); // of an empty one the browser says that something is needed
});

// The box grows with what is in it, also where the style sheet alone cannot do that.
function grow() {
  const box = $("text");
  if (!box || CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}
document.addEventListener("input", grow);

async function copy(source) {
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    tell(document.body.dataset.copied);
  } catch {
    source.closest("details")?.setAttribute("open", "");
    source.focus();
    source.select?.();
    tell(document.body.dataset.notCopied);
  }
}

// Buttons that need this file are shown by it.
function ready() {
  for (const button of document.querySelectorAll("[data-copy][hidden], [data-print][hidden]")) button.hidden = false;
  grow();
}

// A page that was out of sight may be behind another tab: an answer must never stand beside a case that went on.
document.addEventListener("visibilitychange", async () => {
  if (document.visibilityState !== "visible" || busy || !$("log")) return;
  try {
    const page = (await fetched("GET", location.pathname.replace(/\/(at|show)\/\w+$/, ""))).response;
    const now = page?.getElementById("log")?.dataset.screen;
    if (!now || busy || now === $("log").dataset.screen) return;
    if (show(page)) {
      shown = $("log").dataset.at;
      history.replaceState({}, "", shown);
      look();
      tell(document.body.dataset.elsewhere);
    }
  } catch {} // the next press says so
});

addEventListener("popstate", () => {
  if (location.pathname === shown) return; // only the place on the page is another
  if (busy) location.reload();
  else go("GET", location.href, null, true);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) go("GET", location.href, null, true); // a page from the browser's own memory may be out of date
});
ready();
history.replaceState({}, "", place(location.pathname) + location.hash);
shown = location.pathname;
