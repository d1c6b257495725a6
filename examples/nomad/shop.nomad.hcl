# A job on a network of ours. On each client: netplugin runs, netplugin-cni is in /opt/cni/bin (netplugin cni install), and
# web.conflist is in /opt/cni/config.

job "shop" {
  group "front" {
    count = 2

    network {
      mode = "cni/web"

      port "http" {
        to = 80
      }

      # Nomad 1.9 and later. Without it the containers are in no group.
      cni {
        args = {
          "io.netplugin.group" = "front"
        }
      }
    }

    task "server" {
      driver = "docker"

      config {
        image   = "busybox"
        command = "sh"
        args    = ["-c", "echo shop >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
      }
    }
  }
}
