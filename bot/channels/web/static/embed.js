// One tag puts the chat on another page:
//   <script src="https://triage.example.org/embed.js" data-accent="#0b5a6b" async></script>
// It adds an iframe after itself, hands on a theme, and takes one thing back: how high the page in it is.
(() => {
  const tag = document.currentScript;
  if (!tag) return;
  const service = new URL(tag.src).origin;
  const theme = new URLSearchParams({ host: location.origin });
  for (const name of ["accent", "paper", "ink", "font", "radius", "scheme"]) {
    if (tag.dataset[name]) theme.set(name, tag.dataset[name]);
  }
  const frame = document.createElement("iframe");
  frame.src = `${service}/embed#${theme}`;
  frame.title = tag.dataset.title ?? "HER2 next-line triage";
  frame.allow = "clipboard-write";
  frame.referrerPolicy = "strict-origin";
  frame.style.border = "0";
  frame.style.inlineSize = "100%";
  frame.style.blockSize = tag.dataset.height ?? "40rem";
  addEventListener("message", (event) => {
    if (event.origin !== service || event.source !== frame.contentWindow) return;
    const height = event.data?.triageHeight;
    if (Number.isFinite(height)) frame.style.blockSize = `${Math.min(Math.max(height, 240), 30000)}px`;
  });
  tag.after(frame);
})();
