// Sound with the text beside it. Each rerun brings the rows of one page; only rows that differ are built again, and the
// audio element stays as it is unless the recording changes or its address has expired.

const instances = new WeakMap();

//: Words the recognizer gave less than this are marked, so that the eye finds what to check.
const UNSURE = 0.5;

//: A seek may land this much before the time asked for, which is no reason to turn the page back.
const SLACK_MS = 250;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  let player = instances.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    instances.set(parentElement, player);
  }
  player.tell = (ms) => setTriggerValue("heard", { ms });
  player.update(data);
  return () => {
    player.audio.pause();
    instances.delete(parentElement);
  };
}

class Player {
  constructor(root) {
    this.audio = root.querySelector("audio");
    this.trouble = root.querySelector(".trouble");
    this.list = root.querySelector(".segments");
    this.subject = null;
    this.shown = [];
    this.starts = [];
    this.now = -1;
    this.moves = 0;
    this.audio.ontimeupdate = () => this.moved(!this.audio.paused);
    this.audio.onseeked = () => this.moved(true);
    this.audio.onplay = () => this.started();
    this.audio.onerror = () => this.failed();
    this.audio.onloadedmetadata = () => (this.trouble.hidden = true);
    this.list.onclick = (event) => {
      const target = event.composedPath().find((node) => node.dataset?.start !== undefined);
      if (target) this.playFrom(Number(target.dataset.start));
    };
  }

  update(data) {
    const fresh = data.source !== this.offered;
    this.offered = data.source;
    if (data.subject !== this.subject) {
      this.subject = data.subject;
      this.audio.src = data.source;
    } else if (fresh && this.audio.error) {
      this.resume(data.source);
    }
    this.list.setAttribute("aria-busy", String(Boolean(data.growing)));
    const rows = data.rows.map((row) => JSON.stringify([row, data.showWords]));
    rows.forEach((text, index) => {
      if (this.shown[index] === text) return;
      const built = build(data.rows[index], data.showWords);
      const old = this.list.children[index];
      if (old) old.replaceWith(built);
      else this.list.append(built);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
    this.shown = rows;
    this.starts = data.rows.map((row) => row.start);
    this.follow = data.follow;
    this.held = data.held;
    const turned = data.from !== this.from;
    if (turned || data.until !== this.until) this.told = false;
    [this.from, this.until] = [data.from, data.until];
    const [number, ms] = data.seek;
    const sought = number > this.moves;
    this.moves = number;
    if (sought) this.audio.currentTime = ms / 1000;
    this.mark(sought || turned);
  }

  // A new address for the same sound: go on where it stopped.
  resume(source) {
    const at = this.audio.currentTime;
    this.audio.src = source;
    this.audio.addEventListener("loadedmetadata", () => (this.audio.currentTime = at), { once: true });
  }

  playFrom(ms) {
    this.audio.currentTime = ms / 1000;
    if (!this.audio.paused) this.started();
    this.audio.play().catch(() => this.failed());
  }

  get at() {
    return Math.round(this.audio.currentTime * 1000);
  }

  started() {
    if (!this.held) return;
    this.held = false;
    this.tell(this.at);
  }

  // Python hears of the sound only when it leaves the page, and once for each page.
  moved(sounding) {
    this.mark();
    const inside = this.at >= this.from - SLACK_MS && (this.until === null || this.at < this.until);
    if (inside) this.told = false;
    else if (this.follow && sounding && !this.told) {
      this.told = true;
      this.tell(this.at);
    }
  }

  mark(turned = false) {
    const started = this.audio.currentTime > 0 || !this.audio.paused;
    const heard = started && (this.until === null || this.at < this.until);
    const now = heard ? this.starts.findLastIndex((start) => start <= this.at) : -1;
    const rows = [...this.list.children];
    if (started && this.follow && (now !== this.now || turned)) this.keepInView(rows[this.now], rows[now], turned);
    this.now = now;
    rows.forEach((row, index) => {
      row.classList.toggle("now", index === now);
      if (index === now) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }

  // Who has scrolled away from the line that was heard wants to read elsewhere.
  keepInView(before, row, turned) {
    if (row && (turned || (before && inView(before)))) row.scrollIntoView({ block: "nearest" });
  }

  failed() {
    if (!this.audio.error) return;
    const { MEDIA_ERR_NETWORK } = MediaError;
    this.trouble.textContent =
      this.audio.error.code === MEDIA_ERR_NETWORK
        ? "The sound stopped because the connection was lost. Reload the page to go on."
        : "This browser cannot play the sound of this file. Transcribing it works all the same.";
    this.trouble.hidden = false;
  }
}

function inView(row) {
  const { top, bottom } = row.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}

function build(row, showWords) {
  const item = element("li");
  const time = element("button", "time", row.clock);
  time.type = "button";
  time.dataset.start = row.start;
  time.setAttribute("aria-label", `Play from ${row.clock}`);
  item.append(time, showWords && row.words.length ? wordButtons(row) : runningText(row));
  return item;
}

function runningText(row) {
  const text = element("p", "text");
  if (!row.words.length) text.textContent = row.text;
  for (const [word, start, end, probability, spaceBefore] of row.words) {
    const span = element("span", probability < UNSURE ? "unsure" : "", word);
    span.dataset.start = start;
    span.title = `${seconds(start)} to ${seconds(end)} · ${Math.round(100 * probability)} % sure`;
    if (spaceBefore && text.childNodes.length) text.append(" ");
    text.append(span);
  }
  return text;
}

function wordButtons(row) {
  const box = element("div", "words");
  for (const [word, start, end, probability] of row.words) {
    const button = element("button", "");
    button.type = "button";
    button.dataset.start = start;
    button.title = `${seconds(start)} to ${seconds(end)} · ${Math.round(100 * probability)} % sure`;
    button.append(element("span", probability < UNSURE ? "unsure" : "", word), element("small", "", seconds(start)));
    box.append(button);
  }
  return box;
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function seconds(ms) {
  const minutes = Math.floor(ms / 60000);
  return `${minutes}:${((ms % 60000) / 1000).toFixed(2).padStart(5, "0")}`;
}
